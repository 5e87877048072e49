from __future__ import annotations

import re
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import names as names_module
from amalgam.lab.names import Names, loopback_hosts, mac_address, port_name


def test_two_checkouts_share_no_name() -> None:
    one, other = Names(Path("/work/main")), Names(Path("/work/clone"))
    assert one.lab != other.lab
    assert one.network != other.network
    assert one.node_network("gpu1") != other.node_network("gpu1")
    assert next(one.loopback_bases()) != next(other.loopback_bases())


def test_a_checkout_always_gets_the_same_name() -> None:
    assert Names(Path("/work/main")).lab == Names(Path("/work/main")).lab == "amalgam-f2af6c"


def test_loopback_bases_differ_and_leave_127_0_to_the_machine() -> None:
    bases = list(Names(Path("/work/main")).loopback_bases())
    assert len(set(bases)) == len(bases) > 1
    for base in bases:
        first, second, third = (int(part) for part in base.split("."))
        assert first == 127
        assert 1 <= second <= 255
        assert 0 <= third <= 255


def test_the_bridges_namespace_is_not_that_of_a_node_named_net() -> None:
    names = Names(Path("/work/main"))
    assert names.node_network("net") != names.network


def test_a_loopback_address_ends_like_the_nodes_own() -> None:
    assert loopback_hosts(["10.88.0.11", "10.88.0.21"]) == [11, 21]


@pytest.mark.parametrize("addresses", [["10.88.0.11", "10.88.1.11"], ["10.88.0.255", "10.88.1.1"], ["10.88.1.0"]])
def test_nodes_are_counted_where_their_last_octets_do_not_serve(addresses: list[str]) -> None:
    assert loopback_hosts(addresses) == list(range(1, len(addresses) + 1))


def test_more_nodes_than_loopback_addresses_are_refused() -> None:
    with pytest.raises(AmalgamError, match="at most 254"):
        loopback_hosts([f"10.88.{n // 200}.{n % 200}" for n in range(300)])


def test_mac_addresses_are_local_unicast_and_unique() -> None:
    assert mac_address("10.88.0.21") == "02:58:0a:58:00:15"
    assert mac_address("10.88.0.22") != mac_address("10.88.0.21")


def test_port_names_fit_the_kernels_limit() -> None:
    assert re.fullmatch(r"v[0-9a-f]{8}", port_name("255.255.255.255"))


@pytest.mark.parametrize("folder", ["with blank", "with,comma", "with:colon"])
def test_a_checkout_path_that_mount_options_cannot_take_is_refused(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "project_root", lambda: tmp_path / folder)
    with pytest.raises(AmalgamError, match="characters"):
        Names.of_checkout()
