"""Arithmetic on networks, compared with counting addresses one by one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amalgam.models.network import (
    NODE_PREFIX,
    duplicates,
    is_host_address,
    overlaps,
    prefix_for_nodes,
    reserved_part,
)


def networks(shortest: int, longest: int = 32) -> st.SearchStrategy[IPv4Network]:
    """Networks near each other, so that some meet."""
    addresses = st.integers(0x0A000000, 0x0A0003FF)
    return st.builds(
        lambda address, prefix: IPv4Network((address, prefix), strict=False), addresses, st.integers(shortest, longest)
    )


@given(st.lists(networks(24), max_size=5))
def test_networks_overlap_exactly_when_they_share_an_address(found: list[IPv4Network]) -> None:
    named = dict(enumerate(found))
    sharing = [(a, b) for a in named for b in named if a < b and set(named[a]) & set(named[b])]

    assert overlaps(named) == sharing


@given(networks(24), st.integers(0x0A000000, 0x0A0003FF))
def test_a_hosts_address_is_one_that_the_network_lists_as_such(network: IPv4Network, number: int) -> None:
    address = IPv4Address(number)

    assert is_host_address(address, network) == (address in list(network.hosts()))


@given(st.integers(1, 5000))
def test_the_prefix_for_a_number_of_nodes_is_the_longest_that_has_a_range_for_each(nodes: int) -> None:
    prefix = prefix_for_nodes(nodes)

    assert parts(prefix) >= nodes
    assert parts(prefix + 1) < nodes


def parts(prefix: int) -> int:
    """How many nodes' ranges a pod network has, counted."""
    network = IPv4Network(("10.0.0.0", prefix), strict=False)
    return len(list(network.subnets(new_prefix=NODE_PREFIX))) if prefix <= NODE_PREFIX else 0


@given(st.lists(st.integers(0, 5), max_size=8))
def test_every_repeated_value_is_found_with_the_name_that_had_it_first(values: list[int]) -> None:
    named = [(f"host{index}", value) for index, value in enumerate(values)]

    assert duplicates(named) == [
        (f"host{values.index(value)}", name, value)
        for index, (name, value) in enumerate(named)
        if value in values[:index]
    ]


@pytest.mark.parametrize(
    ("network", "reserved"),
    [
        ("127.0.0.0/8", "127.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/8"),
        ("169.254.7.0/24", "169.254.0.0/16"),
        ("239.0.0.0/8", "224.0.0.0/3"),
        ("10.0.0.0/8", None),
        ("100.64.0.0/10", None),
    ],
)
def test_networks_that_are_not_routed_between_hosts_are_known(network: str, reserved: str | None) -> None:
    found = reserved_part(IPv4Network(network))

    assert (str(found) if found else None) == reserved
