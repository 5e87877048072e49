"""Disks for the storage cluster, and the parts of its file system."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from amalgam.models.draft import Draft
from amalgam.models.faults import Fault, Rule
from amalgam.models.fields import is_label
from amalgam.models.topology import STORAGE, WORKERS

SEVERAL_HOSTS = 3
"""With so many storage hosts or more, each copy lies on another host."""

_LABEL_REMEDY = "use 1 to 63 lower-case letters, digits and hyphens"


class Osd(BaseModel):
    """A whole disk of a storage host by its path; with ``size_gib`` (GiB) a file that is made there."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_.:@+/-]+$")]
    size_gib: Annotated[int, Field(ge=2)] | None = None


class Subvolume(BaseModel):
    """A part of the shared file system, mounted by a key of its own."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    size_gib: Annotated[int, Field(ge=1)]
    """Quota (GiB)."""
    storage_class: str | None = None
    """StorageClass whose volumes lie in it; ``None`` where none do."""
    hosts: list[str] | None = None
    """The workers that mount it and so hold its key; ``None`` for all."""


def check_storage(draft: Draft) -> None:
    """Add what is wrong with the disks of the storage hosts, and with the parts of the file system."""
    hosts = draft.inventory.members(STORAGE)
    for host in hosts:
        _check_disks(draft, host)
    _check_copies(draft, hosts)
    _check_subvolumes(draft)


def _check_disks(draft: Draft, host: str) -> None:
    variable = draft.inventory.variable(host, "ceph_osds")
    if variable is None:
        member = draft.inventory.hosts[host]
        reason = "a storage host without ceph_osds, so that it has no disk to store on"
        remedy = "name its disks in ceph_osds, of this host or in group_vars/all/ceph.yml; or take it out of storage"
        draft.faults.append(Fault(member.file, member.line, host, Rule.NO_OSD, reason, remedy))
        return
    paths = [osd.path for osd in draft.of_host(host, "ceph_osds", list) or []]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            reason = "the disk is named twice"
            draft.refuse(variable, Rule.DUPLICATE_OSD, reason, "name each disk once", (index, "path"))


def _check_copies(draft: Draft, hosts: list[str]) -> None:
    """Fewer than three hosts keep two copies, on different disks."""
    disks = [draft.of_host(host, "ceph_osds", list) for host in hosts]
    if len(hosts) >= SEVERAL_HOSTS or None in disks:
        return
    count = sum(len(disk or []) for disk in disks)
    if hosts and count < 2:
        reason = f"{count} disk in all: a second copy has no place, and nothing could be written"
        variable = draft.inventory.variable(hosts[0], "ceph_osds")
        draft.refuse(variable, Rule.TOO_FEW_OSDS, reason, "name two disks or more")


def _check_subvolumes(draft: Draft) -> None:
    variable = draft.site_wide("ceph_subvolumes")
    subvolumes = draft.setting("ceph_subvolumes", list) or []
    if variable and STORAGE not in draft.inventory.groups:
        reason = "there is no storage host, so no file system for it"
        draft.refuse(variable, Rule.SUBVOLUME_WITHOUT_STORAGE, reason, "put a host into storage, or remove it")
    for index, subvolume in enumerate(subvolumes):
        if subvolume.name in [earlier.name for earlier in subvolumes[:index]]:
            reason, remedy = "two subvolumes have this name", "rename one of them"
            draft.refuse(variable, Rule.DUPLICATE_SUBVOLUME, reason, remedy, (index, "name"))
        elif not is_label(subvolume.name):
            reason = "its name becomes that of a folder, a unit and a client"
            draft.refuse(variable, Rule.BAD_SUBVOLUME_NAME, reason, _LABEL_REMEDY, (index, "name"))
        _check_class(draft, subvolumes, index)
        _check_hosts(draft, index, subvolume.hosts)


def _check_class(draft: Draft, subvolumes: list[Subvolume], index: int) -> None:
    wanted, variable = subvolumes[index].storage_class, draft.site_wide("ceph_subvolumes")
    if wanted is None:
        return
    if wanted in [earlier.storage_class for earlier in subvolumes[:index]]:
        reason, remedy = "two subvolumes are for this class, and a volume lies in one", "name a class of its own"
        draft.refuse(variable, Rule.DUPLICATE_STORAGE_CLASS, reason, remedy, (index, "storage_class"))
    elif not is_label(wanted):
        reason = "no name that Kubernetes takes as a StorageClass's"
        draft.refuse(variable, Rule.BAD_STORAGE_CLASS, reason, _LABEL_REMEDY, (index, "storage_class"))


def _check_hosts(draft: Draft, index: int, hosts: list[str] | None) -> None:
    workers = draft.inventory.members(WORKERS)
    for place, host in enumerate(hosts or []):
        if host not in workers:
            reason, remedy = f"no worker is named {host}", f"there are: {', '.join(workers)}"
            draft.refuse(draft.site_wide("ceph_subvolumes"), Rule.UNKNOWN_HOST, reason, remedy, (index, "hosts", place))
