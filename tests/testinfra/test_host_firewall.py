"""Ports of a host are closed but for the listed ones, seen from another host and not only in the rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from testinfra.host import Host

from tests.e2e.support.waiting import wait_until
from tests.testinfra.site_facts import SiteFacts

CLOSED_PORT = 9999
_UNIT = "amalgam-test-listener"


def _connects(host: Host, address: str, port: int) -> bool:
    return bool(host.run("timeout 2 bash -c %s", f"exec 3<>/dev/tcp/{address}/{port}").rc == 0)


def _await(host: Host, address: str, port: int) -> None:
    wait_until(f"{address}:{port} answers", lambda: _connects(host, address, port), seconds=20)


@contextmanager
def _listener(host: Host) -> Iterator[None]:
    """Something that answers on the closed port, so that a refusal is the firewall's."""
    host.check_output(f"systemd-run --quiet --collect --unit {_UNIT} python3 -m http.server {CLOSED_PORT}")
    try:
        _await(host, "127.0.0.1", CLOSED_PORT)
        yield
    finally:
        host.check_output(f"systemctl stop {_UNIT}")


def _input_chain(host: Host) -> dict[str, Any]:
    listed = json.loads(host.check_output("nft --json list table inet amalgam"))["nftables"]
    found: dict[str, Any] = next(entry["chain"] for entry in listed if "chain" in entry)
    return found


def test_what_is_not_allowed_is_dropped(each_host: Host) -> None:
    chain = _input_chain(each_host)
    assert (chain["hook"], chain["policy"]) == ("input", "drop")


def test_the_rules_are_loaded_at_boot(each_host: Host) -> None:
    assert each_host.service("host-firewall").is_enabled
    assert each_host.service("host-firewall").is_running


def test_a_port_that_nobody_listed_is_closed_to_the_other_hosts(
    each_host: Host, another_host: Callable[[Host], Host], facts: SiteFacts
) -> None:
    address = facts.address(each_host.backend.get_hostname())
    with _listener(each_host):
        _await(each_host, address, CLOSED_PORT)
        assert not _connects(another_host(each_host), address, CLOSED_PORT)


def test_the_bundle_server_is_open_to_the_hosts(each_host: Host, facts: SiteFacts) -> None:
    for service in ("bundle", "registry"):
        _await(each_host, facts.fqdn(service), facts.port(service))


def test_etcd_is_closed_to_workers(each_worker: Host, facts: SiteFacts) -> None:
    address = facts.address(facts.names("control_plane")[0])
    _await(each_worker, address, 6443)
    assert not _connects(each_worker, address, 2379)


def test_applying_the_rules_again_leaves_other_tables_alone(each_node: Host) -> None:
    before = each_node.check_output("nft list tables").splitlines()
    each_node.check_output("systemctl restart host-firewall")
    assert sorted(each_node.check_output("nft list tables").splitlines()) == sorted(before)
