"""Which groups there are, who may be in them, and whether hosts and groups agree."""

from __future__ import annotations

from collections.abc import Iterator

from amalgam.models.faults import Fault, Rule
from amalgam.models.fields import is_label
from amalgam.models.inventory import Inventory, Member

CONTROL_PLANE = "control_plane"
WORKERS = "workers"
STORAGE = "storage"
BUNDLE_SERVER = "bundle_server"
MANAGEMENT = "management"
WORKER_CLASSES: dict[str, str | None] = {"gpu_workers": "nvidia", "npu_workers": "ascend", "cpu_workers": None}
"""Each child group of the workers, and the accelerator its hosts have."""
GROUPS = ("all", CONTROL_PLANE, WORKERS, *WORKER_CLASSES, STORAGE, BUNDLE_SERVER, MANAGEMENT)

_RESERVED_HOSTS = ("all", "ungrouped", "localhost")


def check_topology(inventory: Inventory) -> Iterator[Fault]:
    """All that is wrong with the groups and with the names of the hosts."""
    yield from _check_host_names(inventory)
    yield from _check_groups(inventory)
    yield from _check_control_plane(inventory)
    yield from _check_bundle_server(inventory)
    yield from _check_management(inventory)
    yield from _check_workers(inventory)


def _fault(inventory: Inventory, name: str, rule: Rule, reason: str, remedy: str) -> Fault:
    member: Member | None = inventory.groups.get(name) or inventory.hosts.get(name)
    if member is None:
        return Fault(inventory.folder, 0, name, rule, reason, remedy)
    return Fault(member.file, member.line, name, rule, reason, remedy)


def _check_host_names(inventory: Inventory) -> Iterator[Fault]:
    for host in inventory.hosts.values():
        place = (host.file, host.line, host.name)
        if host.name in _RESERVED_HOSTS:
            yield Fault(*place, Rule.RESERVED_NAME, "to Ansible the name means something else", "rename the host")
        elif host.name in inventory.groups:
            yield Fault(*place, Rule.DUPLICATE_NAME, "a host and a group have this name", "rename the host")
        elif not is_label(host.name):
            remedy = "use 1 to 63 lower-case letters, digits and hyphens; the domain is added from site_domain"
            yield Fault(*place, Rule.BAD_HOST_NAME, "no host name that Kubernetes takes as a node's", remedy)
        elif not inventory.groups_of(host.name):
            remedy = f"put it into one of: {', '.join(GROUPS[1:])}"
            yield Fault(*place, Rule.UNGROUPED_HOST, "the host is in no group, so nothing is done to it", remedy)


def _check_groups(inventory: Inventory) -> Iterator[Fault]:
    for group in inventory.groups.values():
        if group.name not in GROUPS:
            remedy = f"there are: {', '.join(GROUPS)}"
            yield _fault(inventory, group.name, Rule.UNKNOWN_GROUP, "no playbook knows this group", remedy)
    for name in (STORAGE, MANAGEMENT):
        if name in inventory.groups and not inventory.members(name):
            yield _fault(inventory, name, Rule.EMPTY_GROUP, "the group has no hosts", "give it a host, or remove it")


def _check_control_plane(inventory: Inventory) -> Iterator[Fault]:
    masters = inventory.members(CONTROL_PLANE)
    if not masters:
        reason = "no host runs the cluster's control plane"
        yield _fault(inventory, CONTROL_PLANE, Rule.NO_CONTROL_PLANE, reason, f"put 1 or 3 hosts into {CONTROL_PLANE}")
        return
    if len(masters) % 2 == 0:
        reason = f"{len(masters)} hosts: an even number survives no more failures than one less, and splits in halves"
        remedy = f"have {len(masters) - 1} or {len(masters) + 1}"
        yield _fault(inventory, CONTROL_PLANE, Rule.EVEN_CONTROL_PLANE, reason, remedy)
    # On a small site the same machines do everything. Where there are others, etcd is not to wait for a disk that
    # training or Ceph keeps busy (etcd.io: operations guide, hardware recommendations, disks).
    if set(inventory.members(WORKERS) + inventory.members(STORAGE)) <= set(masters):
        return
    for host in masters:
        shared = sorted(inventory.groups_of(host) & {STORAGE, *WORKER_CLASSES})
        if shared:
            reason = f"control plane and {', '.join(shared)} on one host, while there are other hosts for that"
            remedy = f"take it out of {', '.join(shared)}; etcd needs a disk that nothing else keeps busy"
            yield _fault(inventory, host, Rule.SHARED_CONTROL_PLANE, reason, remedy)


def _check_bundle_server(inventory: Inventory) -> Iterator[Fault]:
    servers = inventory.members(BUNDLE_SERVER)
    remedy = f"put one host into {BUNDLE_SERVER}, a storage host if there is one"
    if not servers:
        reason = "no host serves the bundle to the others"
        yield _fault(inventory, BUNDLE_SERVER, Rule.NO_BUNDLE_SERVER, reason, remedy)
    elif len(servers) > 1:
        reason = f"{', '.join(servers)}: all nodes must read the same bundle"
        yield _fault(inventory, BUNDLE_SERVER, Rule.TWO_BUNDLE_SERVERS, reason, remedy)


def _check_management(inventory: Inventory) -> Iterator[Fault]:
    hosts = inventory.members(MANAGEMENT)
    if len(hosts) > 1:
        reason = f"{', '.join(hosts)}: each would send every mail, and keep other logs"
        remedy = f"leave one host in {MANAGEMENT}"
        yield _fault(inventory, MANAGEMENT, Rule.TWO_MANAGEMENT_HOSTS, reason, remedy)


def _check_workers(inventory: Inventory) -> Iterator[Fault]:
    children = inventory.groups[WORKERS].children if WORKERS in inventory.groups else []
    for group in WORKER_CLASSES:
        if group not in inventory.groups:
            continue
        if group not in children:
            reason = f"the group is no child of {WORKERS}, so its hosts would not join the cluster"
            yield _fault(inventory, group, Rule.GROUP_OUTSIDE_WORKERS, reason, f"move it under {WORKERS}: children:")
        elif not inventory.members(group):
            reason = "a worker group without hosts"
            yield _fault(inventory, group, Rule.EMPTY_WORKER_GROUP, reason, "give it a host, or remove it")
    if not children and not inventory.members(WORKERS):
        reason = "no host runs workloads"
        remedy = f"put a host into a child group of {WORKERS}: {', '.join(WORKER_CLASSES)}"
        yield _fault(inventory, WORKERS, Rule.EMPTY_WORKER_GROUP, reason, remedy)
    for host in inventory.members(WORKERS):
        if not inventory.groups_of(host) & set(WORKER_CLASSES):
            remedy = f"put it into one of: {', '.join(WORKER_CLASSES)}"
            yield _fault(inventory, host, Rule.WORKER_WITHOUT_CLASS, "a worker of no class", remedy)
