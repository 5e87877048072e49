"""Disks for the storage cluster, and the parts of its file system."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from amalgam.models.draft import Draft, Value
from amalgam.models.faults import Fault, Rule
from amalgam.models.fields import is_label
from amalgam.models.topology import STORAGE, WORKERS

SEVERAL_HOSTS = 3
"""With so many storage hosts or more, there are three copies, each on another host; else two, on different disks."""

COPIES = "ceph_replicas"
DOMAIN = "ceph_failure_domain"

STORAGE_VARIABLES: dict[str, TypeAdapter[Any]] = {
    COPIES: TypeAdapter(Annotated[int, Field(ge=2)]),  # Ceph refuses a pool of one
    DOMAIN: TypeAdapter(Literal["osd", "host"]),
}
"""Variable of a site → its type."""

_CEPHS_OWN = frozenset({"admin", "manager", "rgw"})
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
    reclaim: Literal["delete", "retain"] | None = None
    """What becomes of such a volume when its claim goes; ``None`` for ``delete``."""
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
    """Each copy needs a disk of its own, or a host with disks."""
    disks = [draft.of_host(host, "ceph_osds", list) for host in hosts]
    several = len(hosts) >= SEVERAL_HOSTS
    copies = _given(draft, COPIES, int, 3 if several else 2)
    domain = _given(draft, DOMAIN, str, "host" if several else "osd")
    if not hosts or copies is None or domain is None or None in disks:
        return
    counts = [len(of_host or []) for of_host in disks]
    if domain == "host":
        places, what = sum(map(bool, counts)), "storage hosts with disks"
        remedy = f"name disks of as many hosts, or let copies lie on disks of one host: `{DOMAIN}: osd`"
    else:
        places, what, remedy = sum(counts), "disks", "name as many"
    if places < copies:
        bare = hosts[counts.index(min(counts))]
        reason = f"{copies} copies need as many {what}, and the site has {places}"
        draft.refuse(draft.inventory.variable(bare, "ceph_osds"), Rule.TOO_FEW_OSDS, reason, remedy)


def _given(draft: Draft, name: str, kind: type[Value], default: Value) -> Value | None:
    """The site's value, or the default; ``None`` for one that was refused."""
    return default if draft.site_wide(name) is None else draft.setting(name, kind)


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
        elif subvolume.name in _CEPHS_OWN or subvolume.name.startswith("bootstrap-"):
            # Its key follows from its name: whoever mounts the part would have that of Ceph's own client.
            reason, remedy = f"client.{subvolume.name} is a client of Ceph's own", "use another name"
            draft.refuse(variable, Rule.BAD_SUBVOLUME_NAME, reason, remedy, (index, "name"))
        elif not is_label(subvolume.name):
            reason = "its name becomes that of a folder, a unit and a client"
            draft.refuse(variable, Rule.BAD_SUBVOLUME_NAME, reason, _LABEL_REMEDY, (index, "name"))
        _check_class(draft, subvolumes, index)
        _check_hosts(draft, index, subvolume.hosts)


def _check_class(draft: Draft, subvolumes: list[Subvolume], index: int) -> None:
    wanted, variable = subvolumes[index].storage_class, draft.site_wide("ceph_subvolumes")
    if wanted is None:
        if subvolumes[index].reclaim is not None:
            reason, remedy = "says what becomes of a class's volumes, and has no class", "name one in storage_class"
            draft.refuse(variable, Rule.BAD_STORAGE_CLASS, reason, remedy, (index, "reclaim"))
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
