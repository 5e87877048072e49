"""Prometheus runs on the loopback interface, reaches all it is to read, and has read its own files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from testinfra.host import Host

from amalgam.monitoring.alerts import topics
from tests.e2e.support.waiting import wait_until
from tests.testinfra.site_facts import SiteFacts

URL = "http://127.0.0.1:9090/prometheus"
# Each target is read four times within it.
_READ_AGAIN = 60


def _api(host: Host, path: str) -> Any:
    return json.loads(host.check_output("curl --silent --show-error --fail --max-time 20 %s", f"{URL}/api/v1/{path}"))[
        "data"
    ]


def _query(host: Host, expr: str) -> list[dict[str, Any]]:
    command = "curl --silent --show-error --fail --max-time 20 --get --data-urlencode %s %s"
    return json.loads(host.check_output(command, f"query={expr}", f"{URL}/api/v1/query"))["data"]["result"]


def _await_nodes(management_host: Host, query: str, wanted: Iterable[str]) -> None:
    wait_until(
        f"{query} of every node",
        lambda: {one["metric"]["node"] for one in _query(management_host, query)},
        lambda found: found >= set(wanted),
        seconds=_READ_AGAIN,
    )


def test_it_runs_and_starts_at_boot(management_host: Host) -> None:
    assert management_host.service("prometheus").is_running
    assert management_host.service("prometheus").is_enabled


def test_it_listens_on_the_loopback_interface_only(management_host: Host) -> None:
    assert management_host.socket("tcp://127.0.0.1:9090").is_listening
    assert not management_host.socket("tcp://0.0.0.0:9090").is_listening
    assert not management_host.socket("tcp://:::9090").is_listening


def test_the_nodes_that_the_api_knows_are_asked_for_twice_a_minute(management_host: Host, facts: SiteFacts) -> None:
    assert management_host.service("prometheus-nodes.timer").is_running
    assert management_host.service("prometheus-nodes.timer").is_enabled
    targets = json.loads(management_host.file("/var/lib/prometheus-nodes/nodes.json").content_string)
    assert {one["labels"]["node"] for one in targets} == set(facts.names("control_plane", "workers"))


def test_its_files_are_good_and_those_it_runs_with(management_host: Host) -> None:
    management_host.check_output("promtool check config /etc/prometheus/prometheus.yml")
    assert _query(management_host, "prometheus_config_last_reload_successful")[0]["value"][1] == "1"
    assert management_host.check_output(f"/usr/local/libexec/amalgam/prometheus-reload {URL}") == ""


def test_every_target_is_up(management_host: Host) -> None:
    def down() -> list[tuple[str, str, str]]:
        targets = _api(management_host, "targets?state=active")["activeTargets"]
        return [(one["scrapePool"], one["scrapeUrl"], one["lastError"]) for one in targets if one["health"] != "up"]

    # One that was too slow to answer is asked again.
    wait_until("none is down", down, lambda found: not found, seconds=_READ_AGAIN)


@pytest.mark.parametrize("job", ["collectd", "kubelet", "cadvisor"])
def test_every_node_is_read(management_host: Host, facts: SiteFacts, job: str) -> None:
    _await_nodes(management_host, f'up{{job="{job}"}} == 1', facts.names("control_plane", "workers"))


def test_every_rule_is_there_and_none_fails(management_host: Host) -> None:
    groups = {group["name"]: group for group in _api(management_host, "rules")["groups"]}
    assert set(groups) >= {*topics(), "certificates"}
    assert [rule["name"] for group in groups.values() for rule in group["rules"] if rule["health"] == "err"] == []


@pytest.mark.parametrize(
    "series",
    [
        "node:memory_utilization:ratio",
        "node:cpu_utilization:ratio",
        "node:filesystem_used:ratio",
        "node:network_receive:bytes_rate",
    ],
)
def test_each_host_has_the_series_that_dashboards_use(management_host: Host, facts: SiteFacts, series: str) -> None:
    _await_nodes(management_host, series, facts.names())


def test_the_watchdog_reaches_alertmanager(management_host: Host) -> None:
    def watchdogs() -> list[dict[str, Any]]:
        told = management_host.check_output("curl --silent --fail http://127.0.0.1:9093/alertmanager/api/v2/alerts")
        return [one for one in json.loads(told) if one["labels"]["alertname"] == "Watchdog"]

    # After a restart Alertmanager knows what is told to it again, a minute later at the most.
    watchdog = wait_until("Alertmanager knows the watchdog", watchdogs, seconds=90)
    assert watchdog[0]["labels"]["cluster"]
    assert watchdog[0]["annotations"]["runbook_url"].endswith("/runbooks/Watchdog.md")


def test_it_keeps_as_much_as_the_site_says(management_host: Host, facts: SiteFacts) -> None:
    flags = _api(management_host, "status/flags")
    kept = {what: flags[f"storage.tsdb.retention.{what}"] for what in ("time", "size")}
    # It writes GB, which are of 1024, as GiB.
    wanted = {what: facts.prometheus(f"retention_{what}").replace("B", "iB") for what in kept}
    assert kept == wanted


def test_files_with_secrets_are_for_those_who_need_them(management_host: Host) -> None:
    found = management_host.check_output("stat --format '%a %U %G' /etc/prometheus/pki/*").splitlines()
    assert set(found) == {"640 root prometheus"}


def test_data_is_on_disk_and_nobody_elses_business(management_host: Host) -> None:
    storage = management_host.file("/var/lib/prometheus/site")
    assert (storage.user, storage.mode) == ("prometheus", 0o750)
