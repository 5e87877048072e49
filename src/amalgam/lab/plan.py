"""What a lab should be, from the site's own data, and what must be done to an existing one to get there."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from amalgam.errors import AmalgamError
from amalgam.lab.forwarder import choose_base, listen_port
from amalgam.lab.names import Names, loopback_hosts
from amalgam.lab.state import ForwardState, LabState, NodeState
from amalgam.models import Host, Site
from amalgam.models.topology import BUNDLE_SERVER, CONTROL_PLANE, MANAGEMENT, STORAGE, WORKER_CLASSES

SSH_PORT = 22
API_SERVER_PORT = 6443
PROXY_PORT = 3128
"""The port that proxies have by custom."""


@dataclass(frozen=True)
class Changes:
    """What bringing a lab up has to do, by node name."""

    keep: list[str]
    start: list[str]
    """Down, with a disk of their own."""
    create: list[str]
    """Not there yet, or there under another address, of another architecture, with other chips or other memory."""
    remove: list[str]
    """No longer in the inventory."""


def wanted_state(names: Names, site: Site, current: LabState | None) -> LabState:
    """The lab that the site asks for; loopback addresses stay those of the current lab where it has any.

    Raises:
        AmalgamError: the site has no lab settings, or a lab of another inventory is up.
    """
    if site.lab is None:
        raise AmalgamError(
            "this inventory has no lab settings, so it describes real machines",
            where=str(site.folder),
            remedy="name an inventory with a `lab:` mapping, such as inventories/lab",
        )
    if current is not None and current.inventory != str(site.folder.resolve()):
        raise AmalgamError(
            f"a lab of another inventory is there: {current.inventory}",
            where=str(names.folder),
            remedy="amalgam lab down, then bring this one up",
        )
    state = LabState(
        lab=names.lab,
        inventory=str(site.folder.resolve()),
        node_cidr=str(site.settings.network_node_cidr),
        gateway=_gateway(site),
        loopback_base="",
        nodes={host.name: _node(host, site) for host in site.hosts},
    )
    _assign_loopbacks(names, site, state, current)
    return state


def changes(current: LabState | None, wanted: LabState) -> Changes:
    """How to get from the current lab to the wanted one."""
    found = Changes([], [], [], [])
    known = current.nodes if current is not None else {}
    for name, node in wanted.nodes.items():
        old = known.get(name)
        if old is None or not old.rootfs or _identity(old) != _identity(node):
            found.create.append(name)
        elif old.alive():
            found.keep.append(name)
        else:
            found.start.append(name)
    found.remove.extend(name for name in known if name not in wanted.nodes)
    return found


def role(host: Host) -> str:
    """What a host is in its site, in words for people."""
    words = []
    if CONTROL_PLANE in host.groups:
        words.append("control plane")
    words += [f"{group.removesuffix('_workers')} worker" for group in WORKER_CLASSES if group in host.groups]
    if STORAGE in host.groups:
        words.append("storage")
    if BUNDLE_SERVER in host.groups:
        words.append("bundle server")
    if MANAGEMENT in host.groups:
        words.append("management")
    return ", ".join(words)


def _identity(node: NodeState) -> tuple[str, str, str | None, int | None]:
    return node.address, node.architecture, node.accelerator, node.memory_mib


def _node(host: Host, site: Site) -> NodeState:
    memory = site.lab.memory_mib.get(host.name) if site.lab is not None else None
    return NodeState(
        name=host.name,
        role=role(host),
        architecture=host.architecture,
        address=str(host.address),
        loopback="",
        memory_mib=memory,
        accelerator=host.accelerator,
    )


def _gateway(site: Site) -> str:
    """The first address of the node network that no host has: the dead end that nodes route to."""
    taken = {host.address for host in site.hosts}
    network: IPv4Network = site.settings.network_node_cidr
    gateway: IPv4Address = next(address for address in network.hosts() if address not in taken)
    return str(gateway)


def _ports(site: Site) -> list[tuple[str, str, int]]:
    """Every forward as (what answers, node, port): the proxy, SSH, API servers, and those of the lab settings."""
    # It leads to every node, and listens on the first one's address.
    ports = [("HTTPS proxy to the lab's names", site.hosts[0].name, PROXY_PORT)]
    ports += [("SSH", host.name, SSH_PORT) for host in site.hosts]
    ports += [("Kubernetes API", host.name, API_SERVER_PORT) for host in site.group(CONTROL_PLANE)]
    if site.lab is not None:
        taken = {(node, port) for _, node, port in ports}
        ports += [(own.name, own.host, own.port) for own in site.lab.forwards if (own.host, own.port) not in taken]
    return ports


def _assign_loopbacks(names: Names, site: Site, state: LabState, current: LabState | None) -> None:
    octets = dict(zip(state.nodes, loopback_hosts([node.address for node in state.nodes.values()]), strict=True))
    ports = _ports(site)
    if current is not None:
        # The forwarder of the current lab holds these very ports: asking whether they are free would be wrong.
        state.loopback_base = current.loopback_base
        listening = {entry.port: entry.listen_port for entry in current.forwards}
    else:
        listening = {}
    for port in {port for _, _, port in ports} - set(listening):
        listening[port] = listen_port(port)
    if current is None:
        state.loopback_base = choose_base(names, {(octets[node], listening[port]) for _, node, port in ports})
    for name, node in state.nodes.items():
        node.loopback = f"{state.loopback_base}.{octets[name]}"
    state.forwards = [
        ForwardState(
            name=what,
            node=name,
            listen_address=state.nodes[name].loopback,
            listen_port=listening[port],
            address=state.nodes[name].address if port != PROXY_PORT else "",
            port=port,
        )
        for what, name, port in ports
    ]
