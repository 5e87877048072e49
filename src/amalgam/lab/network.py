"""The lab's network: a bridge in a namespace of its own, a namespace for each node, and no way out.

The bridge holds the nodes' default gateway, which forwards nothing; what nodes send to addresses outside is counted
there and dropped, so that a test can say what tried to leave.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amalgam.lab.commands import run
from amalgam.lab.names import Names, mac_address, port_name

BRIDGE = "lab"
_NAMESPACES = Path("/run/netns")
_TABLE = "egress"


@dataclass(frozen=True)
class Attempt:
    """Packets that a node sent to an address outside the lab; ``port`` is 0 for protocols without ports."""

    source: str
    destination: str
    protocol: str
    port: int
    packets: int


def exists(namespace: str) -> bool:
    """Whether the network namespace is there."""
    return (_NAMESPACES / namespace).exists()


def namespaces_are_mounted() -> bool:
    """Whether ``ip netns`` has its mount at /run/netns."""
    return any(line.split()[4] == str(_NAMESPACES) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def create_lab(names: Names, *, node_cidr: str, gateway: str) -> None:
    """Make the namespace with the bridge, the gateway address and the counters. Does nothing where it is there."""
    if exists(names.network):
        return
    prefix = ipaddress.ip_network(node_cidr).prefixlen
    run("ip", "netns", "add", names.network)
    _ip_batch(
        names.network,
        "link set lo up",
        f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0",
        f"address add {gateway}/{prefix} dev {BRIDGE}",
        f"link set {BRIDGE} up",
    )
    run("ip", "netns", "exec", names.network, "nft", "-f", "-", stdin=_rules(node_cidr))


def create_node(names: Names, *, node: str, address: str, node_cidr: str, gateway: str) -> None:
    """Make a node's namespace anew: ``eth0`` on the bridge, its address, and a default route to the dead end."""
    delete_node(names, node=node, address=address)
    namespace, port = names.node_network(node), port_name(address)
    prefix = ipaddress.ip_network(node_cidr).prefixlen
    run("ip", "netns", "add", namespace)
    _ip_batch(
        names.network,
        f"link add {port} type veth peer name eth0 address {mac_address(address)} netns {namespace}",
        f"link set {port} master {BRIDGE} up",
    )
    _ip_batch(
        namespace,
        "link set lo up",
        f"address add {address}/{prefix} broadcast + dev eth0",
        "link set eth0 up",
        f"route add default via {gateway} dev eth0",
    )


def delete_node(names: Names, *, node: str, address: str) -> None:
    """Remove a node's namespace, and at once its port, which a dying process may otherwise keep for a while."""
    if exists(names.network) and _port_exists(names.network, port_name(address)):
        _ip_batch(names.network, f"link delete {port_name(address)}")
    if exists(names.node_network(node)):
        run("ip", "netns", "delete", names.node_network(node))


def namespaces_of(names: Names) -> list[str]:
    """Every network namespace of this lab that is there."""
    if not _NAMESPACES.is_dir():
        return []
    return sorted(entry.name for entry in _NAMESPACES.iterdir() if entry.name.startswith(f"{names.lab}-"))


def delete_all(names: Names, *, made_mount: bool) -> None:
    """Remove every namespace of this lab, and the mount at /run/netns if it came with this lab and nobody uses it."""
    for namespace in namespaces_of(names):
        run("ip", "netns", "delete", namespace)
    if made_mount and namespaces_are_mounted() and not any(_NAMESPACES.iterdir()):
        # Refused by the kernel when another lab has just put a namespace there, which is as it should be.
        subprocess.run(["umount", str(_NAMESPACES)], stderr=subprocess.DEVNULL, check=False)


def egress(names: Names) -> list[Attempt]:
    """What nodes have sent to addresses outside the lab since it was brought up."""
    if not exists(names.network):
        return []
    listed = run("ip", "netns", "exec", names.network, "nft", "-j", "list", "table", "inet", _TABLE)
    sets = [item["set"] for item in json.loads(listed)["nftables"] if "set" in item]
    found = [_attempt(entry["elem"]) for one in sets for entry in one.get("elem", [])]
    return sorted(found, key=lambda attempt: (attempt.source, attempt.destination, attempt.port))


def _attempt(element: dict[str, Any]) -> Attempt:
    source, destination, protocol, *port = element["val"]["concat"]
    return Attempt(
        source=source,
        destination=destination,
        protocol=str(protocol),
        port=int(port[0]) if port else 0,
        packets=int(element["counter"]["packets"]),
    )


def _rules(node_cidr: str) -> str:
    """Count and drop what is for neither the node network nor all hosts of a link (multicast stays on the bridge)."""
    return f"""
table inet {_TABLE} {{
  set ports {{
    type ipv4_addr . ipv4_addr . inet_proto . inet_service
    size 65535
    flags dynamic
    counter
  }}
  set others {{
    type ipv4_addr . ipv4_addr . inet_proto
    size 65535
    flags dynamic
    counter
  }}
  set ipv6 {{
    type ipv6_addr . ipv6_addr . inet_proto
    size 65535
    flags dynamic
    counter
  }}
  chain leaving {{
    meta l4proto {{ tcp, udp }} add @ports {{ ip saddr . ip daddr . meta l4proto . th dport }} drop
    add @others {{ ip saddr . ip daddr . meta l4proto }} drop
  }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    iifname != "{BRIDGE}" accept
    ip daddr {{ {node_cidr}, 224.0.0.0/4, 255.255.255.255 }} accept
    meta nfproto ipv4 goto leaving
    ip6 daddr {{ fe80::/10, ff00::/8 }} accept
    add @ipv6 {{ ip6 saddr . ip6 daddr . meta l4proto }} drop
  }}
}}
"""


def _port_exists(namespace: str, port: str) -> bool:
    links = json.loads(run("ip", "-n", namespace, "-j", "link", "show"))
    return any(link["ifname"] == port for link in links)


def _ip_batch(namespace: str, *lines: str) -> None:
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")
