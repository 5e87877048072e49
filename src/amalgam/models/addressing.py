"""Whether a site's networks, addresses and domains go together. The arithmetic is in :mod:`amalgam.models.network`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from amalgam.models import network
from amalgam.models.draft import Draft
from amalgam.models.faults import Rule

_CIDRS = ("network_node_cidr", "network_pod_cidr", "network_service_cidr")


def check_addressing(draft: Draft) -> None:
    """Add the faults of networks, addresses and domains to ``draft``."""
    _check_networks(draft)
    _check_size(draft, "network_pod_cidr", network.LARGEST_POD_PREFIX, network.prefix_for_nodes(_nodes(draft)))
    _check_size(draft, "network_service_cidr", network.LARGEST_SERVICE_PREFIX, network.SMALLEST_SERVICE_PREFIX)
    _check_addresses(draft)
    _check_domains(draft)


def _nodes(draft: Draft) -> int:
    return len(draft.inventory.hosts)


def _check_networks(draft: Draft) -> None:
    cidrs = {name: cidr for name in _CIDRS if (cidr := draft.setting(name, IPv4Network))}
    for first, second in network.overlaps(cidrs):
        reason = f"{cidrs[second]} and {first} {cidrs[first]} share addresses"
        remedy = "give nodes, pods and Services networks apart from each other, and from what the site has already"
        draft.refuse(draft.site_wide(second), Rule.CIDR_OVERLAP, reason, remedy)
    _check_users(draft, cidrs)
    for name, cidr in cidrs.items():
        if reserved := network.reserved_part(cidr):
            reason = f"{cidr} reaches into {reserved}, which is not routed between hosts"
            remedy = "use a private network, one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            draft.refuse(draft.site_wide(name), Rule.RESERVED_CIDR, reason, remedy)


def _check_users(draft: Draft, cidrs: dict[str, IPv4Network]) -> None:
    """Hosts send what is for pods and Services into the cluster, and so their answers to people of these addresses."""
    for place, users in enumerate(draft.setting("network_user_cidrs", list) or []):
        for name in ("network_pod_cidr", "network_service_cidr"):
            if name in cidrs and users.overlaps(cidrs[name]):
                reason = f"{users} and {name} {cidrs[name]} share addresses, and no answer would reach these people"
                remedy = "give pods and Services networks apart from what the site has already"
                draft.refuse(draft.site_wide("network_user_cidrs"), Rule.CIDR_OVERLAP, reason, remedy, (place,))


def _check_size(draft: Draft, name: str, shortest: int, longest: int) -> None:
    cidr = draft.setting(name, IPv4Network)
    if cidr is None:
        return
    remedy = f"use a prefix from /{shortest} to /{longest}"
    if cidr.prefixlen < shortest:
        draft.refuse(draft.site_wide(name), Rule.CIDR_TOO_LARGE, f"{cidr} is larger than Kubernetes takes", remedy)
    if cidr.prefixlen > longest:
        pods = f"a /{network.NODE_PREFIX} for each of {_nodes(draft)} hosts"
        room = pods if name == "network_pod_cidr" else f"{1 << (32 - longest)} Services"
        draft.refuse(draft.site_wide(name), Rule.CIDR_TOO_SMALL, f"{cidr} has no room for {room}", remedy)


def _check_addresses(draft: Draft) -> None:
    inventory, key = draft.inventory, "ansible_host"
    addresses = {host: address for host in inventory.hosts if (address := draft.of_host(host, key, IPv4Address))}
    for first, second, address in network.duplicates(addresses.items()):
        reason = f"{first} has the address {address} too"
        variable = inventory.variable(second, key)
        draft.refuse(variable, Rule.DUPLICATE_ADDRESS, reason, f"give {second} an address of its own")
    nodes = draft.setting("network_node_cidr", IPv4Network)
    for host, address in addresses.items() if nodes else ():
        if nodes and not network.is_host_address(address, nodes):
            reason = f"{address} is no host's address in network_node_cidr {nodes}"
            variable = inventory.variable(host, key)
            draft.refuse(variable, Rule.ADDRESS_OUTSIDE_NODE_CIDR, reason, "mend the address or the network")


def _check_domains(draft: Draft) -> None:
    site, cluster = draft.setting("site_domain", str), draft.setting("network_dns_domain", str)
    if site and cluster and f".{site}".endswith(f".{cluster}"):
        reason = f"{site} lies in network_dns_domain {cluster}: pods would ask the cluster for names of hosts"
        remedy = "use a domain apart from the cluster's own"
        draft.refuse(draft.site_wide("site_domain"), Rule.DOMAIN_OVERLAP, reason, remedy)
