"""Arithmetic on a site's networks: plain functions on addresses, without files or faults."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

NODE_PREFIX = 24
"""Prefix of the pod network's part that each node gets: kubeadm's default, 254 pod addresses a node.

https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/ (--node-cidr-mask-size)
"""
LARGEST_POD_PREFIX = NODE_PREFIX - 16
"""The controller manager hands out at most 2^16 parts, and refuses a pod network with more."""
LARGEST_SERVICE_PREFIX = 12
"""The API server refuses a Service network with more than 20 bits for hosts."""
SMALLEST_SERVICE_PREFIX = 24
"""256 Services: below that a platform with a few tenants runs out, and the network cannot be changed later."""

# RFC 6890: what cannot be routed between nodes.
_RESERVED = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))


def overlaps(networks: Mapping[Key, IPv4Network]) -> list[tuple[Key, Key]]:
    """The pairs of keys whose networks share an address, in the order of the mapping."""
    return [(a, b) for a, b in combinations(networks, 2) if networks[a].overlaps(networks[b])]


def prefix_for_nodes(nodes: int) -> int:
    """The longest prefix of a pod network with a range for each of ``nodes`` nodes."""
    return NODE_PREFIX - max(nodes - 1, 0).bit_length()


def reserved_part(network: IPv4Network) -> IPv4Network | None:
    """The reserved network (loopback, link-local, multicast, …) that ``network`` reaches into, if any."""
    return next((reserved for reserved in _RESERVED if network.overlaps(reserved)), None)


def is_host_address(address: IPv4Address, network: IPv4Network) -> bool:
    """Whether a host of ``network`` can have ``address``: inside, and neither its first nor its last one."""
    if address not in network:
        return False
    # RFC 3021: a /31 has two hosts and nothing else, a /32 is one.
    ends = (network.network_address, network.broadcast_address)
    return network.prefixlen >= 31 or address not in ends


def duplicates(values: Iterable[tuple[str, Key]]) -> list[tuple[str, str, Key]]:
    """``(first, second, value)`` for each name whose value an earlier name has already."""
    seen: dict[Key, str] = {}
    found = []
    for name, value in values:
        if value in seen:
            found.append((seen[value], name, value))
        seen.setdefault(value, name)
    return found
