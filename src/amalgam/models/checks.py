"""All checks of a site, in their order. One bad value does not hide what is wrong with the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter

from amalgam.models.accelerators import ACCELERATOR_VARIABLES, check_accelerators
from amalgam.models.addressing import check_addressing
from amalgam.models.datasets import VARIABLE as DATASETS
from amalgam.models.datasets import VcDatasets, check_datasets
from amalgam.models.draft import Draft
from amalgam.models.faults import Fault, Rule
from amalgam.models.fields import Accelerator, Address, SupportedArchitecture
from amalgam.models.harbor import HARBOR_VARIABLES, check_harbor
from amalgam.models.inventory import ALL, Variable
from amalgam.models.lab import LabSettings
from amalgam.models.mirrors import Mirror, RegistryName, check_mirrors
from amalgam.models.monitoring import LOG_AGENT_VARIABLES, MONITORING_VARIABLES, check_monitoring
from amalgam.models.platform import IMAGE_REGISTRIES, SYSTEM_NAMESPACES
from amalgam.models.registry import Backend, RegistryProject, check_registry
from amalgam.models.role_options import load_role_options, set_by_platform
from amalgam.models.settings import SiteSettings
from amalgam.models.storage import STORAGE_VARIABLES, Osd, Subvolume, check_storage
from amalgam.models.tenant_checks import check_tenants
from amalgam.models.tenants import ORGANISATIONS, ROLES, Group
from amalgam.models.topology import WORKER_CLASSES, check_topology
from amalgam.models.training import VARIABLE as TRAINING
from amalgam.models.training import TrainingVolume, check_training
from amalgam.models.variables import check_variable
from amalgam.models.volumes import VOLUMES_VARIABLES, check_volumes
from amalgam.tenants.rbac import Role

SITE_WIDE: dict[str, TypeAdapter[Any]] = {
    **{
        name: TypeAdapter(Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation)  # type: ignore[arg-type]
        for name, info in SiteSettings.model_fields.items()
    },
    DATASETS: TypeAdapter(list[VcDatasets]),
    "ceph_subvolumes": TypeAdapter(list[Subvolume]),
    "containerd_mirrors": TypeAdapter(list[Mirror]),
    **HARBOR_VARIABLES,
    "lab": TypeAdapter(LabSettings),
    IMAGE_REGISTRIES: TypeAdapter(list[RegistryName]),
    SYSTEM_NAMESPACES: TypeAdapter(list[str]),
    **MONITORING_VARIABLES,
    "registry_backend": TypeAdapter(Backend),
    "registry_projects": TypeAdapter(list[RegistryProject]),
    **STORAGE_VARIABLES,
    TRAINING: TypeAdapter(list[TrainingVolume]),
    ORGANISATIONS: TypeAdapter(list[Group]),
    ROLES: TypeAdapter(list[Role]),
    **VOLUMES_VARIABLES,
}
PER_HOST: dict[str, TypeAdapter[Any]] = {
    "accelerator": TypeAdapter(Accelerator),
    "ansible_host": TypeAdapter(Address),
    "architecture": TypeAdapter(SupportedArchitecture),
    "ceph_osds": TypeAdapter(list[Osd]),
    **ACCELERATOR_VARIABLES,
    # Whether the maker's own exporter runs on the host port that it has by default.
    "dcgm_exporter": TypeAdapter(bool),
    "npu_exporter": TypeAdapter(bool),
    **LOG_AGENT_VARIABLES,
    "runtime_architecture": TypeAdapter(SupportedArchitecture),
}


def check_site(draft: Draft, roles: Path) -> None:
    """Add every fault of the site to ``draft``; variables may be options of the roles in ``roles``."""
    _check_variables(draft, roles)
    if draft.inventory.incomplete:  # what the others would say is missing may only be unread
        return
    _check_missing(draft)
    _check_version(draft)
    draft.faults += check_topology(draft.inventory)
    check_addressing(draft)
    for host in draft.inventory.hosts:
        _check_host(draft, host)
    check_accelerators(draft)
    check_storage(draft)
    check_volumes(draft)
    check_registry(draft)
    check_mirrors(draft)
    check_harbor(draft)
    check_datasets(draft)
    check_training(draft)
    check_tenants(draft)
    check_monitoring(draft)
    _check_lab(draft)


def _check_variables(draft: Draft, roles: Path) -> None:
    core, options, taken = {**SITE_WIDE, **PER_HOST}, load_role_options(roles), set_by_platform()
    for variable in draft.inventory.every_variable():
        if variable.scope == ALL and variable.name not in SITE_WIDE and variable.name in taken:
            # Ansible takes what a folder of playbooks has beside it, and not what an inventory says of all hosts.
            reason = "for all hosts it is what playbooks/layers/group_vars/all.yml says: what is said here does nothing"
            remedy = (
                "give it to hosts or groups" if variable.name in PER_HOST else "remove it; see there what it is made of"
            )
            draft.refuse(variable, Rule.SET_BY_PLATFORM, reason, remedy)
        elif reason := _wrong_scope(variable):
            remedy = "move it to a file in group_vars/all/" if variable.name in SITE_WIDE else "give each host its own"
            draft.refuse(variable, Rule.WRONG_SCOPE, reason, remedy)
        else:
            draft.keep(variable, check_variable(variable, core, options, draft.faults))


def _wrong_scope(variable: Variable) -> str:
    if variable.name in SITE_WIDE and variable.scope != ALL:
        return f"holds for the whole site, and is given to {variable.scope}"
    if variable.name == "ansible_host" and variable.scope.kind != "host":
        return f"is the address of one host, and is given to {variable.scope}"
    return ""


def _check_missing(draft: Draft) -> None:
    given = {variable.name for variable in draft.inventory.every_variable()}
    for name, info in SiteSettings.model_fields.items():
        if info.is_required() and name not in given:
            home = draft.inventory.folder / "group_vars" / "all" / f"{name.partition('_')[0]}.yml"
            remedy = "add it; inventories/reference-gpu has an example with a comment"
            draft.faults.append(Fault(home, 0, name, Rule.MISSING_KEY, "is not given", remedy))


def _check_version(draft: Draft) -> None:
    wanted = draft.setting("kubernetes_version", str)
    if wanted is None:
        return
    # Reading the lock costs more than checking a site, and most sites take the version it has.
    from amalgam.pins import load_lock

    locked = load_lock().version("kubernetes")
    if wanted != locked:
        reason = f"{wanted!r} is not in versions/lock.yml, so no bundle holds it"
        remedy = f'write "{locked}", or remove the key to follow the lock'
        draft.refuse(draft.site_wide("kubernetes_version"), Rule.VERSION_NOT_IN_LOCK, reason, remedy)


def _check_host(draft: Draft, host: str) -> None:
    inventory = draft.inventory
    if inventory.variable(host, "ansible_host") is None:
        member, key = inventory.hosts[host], f"{host}.ansible_host"
        reason, remedy = "the host has no address", "give it ansible_host, its IPv4 address in network_node_cidr"
        draft.faults.append(Fault(member.file, member.line, key, Rule.MISSING_KEY, reason, remedy))
    accelerator = draft.of_host(host, "accelerator", str)
    home = next((group for group, kind in WORKER_CLASSES.items() if kind and kind == accelerator), "")
    if home and home not in inventory.groups_of(host):
        reason = f"{host} has the accelerator {accelerator}, and is not in {home}"
        remedy = f"put {host} into {home}, or mend the key"
        draft.refuse(inventory.variable(host, "accelerator"), Rule.ACCELERATOR_WITHOUT_GROUP, reason, remedy)


def _check_lab(draft: Draft) -> None:
    lab = draft.setting("lab", LabSettings)
    if lab is None:
        return
    remedy = f"there are: {', '.join(draft.inventory.hosts)}"
    for index, forward in enumerate(lab.forwards):
        if forward.host not in draft.inventory.hosts:
            reason, inside = f"no host is named {forward.host}", ("forwards", index, "host")
            draft.refuse(draft.site_wide("lab"), Rule.UNKNOWN_HOST, reason, remedy, inside)
    if lab.mail_host is not None and lab.mail_host not in draft.inventory.hosts:
        reason = f"no host is named {lab.mail_host}"
        draft.refuse(draft.site_wide("lab"), Rule.UNKNOWN_HOST, reason, remedy, ("mail_host",))
    for host in lab.memory_mib:
        if host not in draft.inventory.hosts:
            reason = f"no host is named {host}"
            draft.refuse(draft.site_wide("lab"), Rule.UNKNOWN_HOST, reason, remedy, ("memory_mib", host))
