"""Every host measures itself, and its chips if it has any; what it measured is for its own loopback."""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

from amalgam.chips.table import KINDS
from tests.testinfra.site_facts import SiteFacts

PORT = 9103
SERIES = (
    "collectd_cpu_percent{",
    "collectd_memory{",
    "collectd_load_shortterm{",
    "collectd_df_df_complex{",
    "collectd_interface_if_octets_rx_total{",
)


def _page(host: Host) -> str:
    return host.check_output(f"curl --silent --fail http://127.0.0.1:{PORT}/metrics")


@pytest.mark.parametrize("series", SERIES)
def test_a_host_tells_of_itself(each_host: Host, series: str) -> None:
    assert series in _page(each_host)


def test_what_is_told_carries_the_name_of_the_host(each_host: Host) -> None:
    names = set(re.findall(r'instance="([^"]+)"', _page(each_host)))
    assert names == {each_host.backend.get_hostname()}


def test_no_file_system_or_interface_of_a_pod_is_measured(each_host: Host) -> None:
    page = _page(each_host)
    assert not re.search(r'df="(var-lib-kubelet-|run-|var-lib-containerd-)', page)
    assert not re.search(r'interface="(lo"|lxc|veth|cilium_)', page)


def test_chips_are_measured_where_there_are_some(each_host: Host, facts: SiteFacts) -> None:
    page = _page(each_host)
    (host,) = (host for host in facts.site.hosts if host.name == each_host.backend.get_hostname())
    measured = set(re.findall(r'collectd_accelerator_accelerator_chips\{accelerator="([a-z]+)"', page))
    assert measured == ({host.accelerator} & {kind.accelerator for kind in KINDS})


def test_what_lies_in_the_datasets_of_vcs_is_measured_by_one_host(each_host: Host, facts: SiteFacts) -> None:
    measured = set(re.findall(r'collectd_bucket_bucket_used\{bucket="datasets-([^"]+)"', _page(each_host)))
    measures = each_host.backend.get_hostname() in facts.names("storage")[:1]
    assert measured == ({vc.vc for vc in facts.site.datasets} if measures else set())


def test_the_page_is_for_the_loopback_only(each_host: Host) -> None:
    sockets = each_host.check_output(f"ss --listening --tcp --numeric --no-header 'sport = :{PORT}'")
    assert {line.split()[3].rpartition(":")[0] for line in sockets.splitlines()} == {"127.0.0.1"}


def test_the_daemon_runs_at_boot(each_host: Host) -> None:
    assert each_host.service("collectd").is_running
    assert each_host.service("collectd").is_enabled
