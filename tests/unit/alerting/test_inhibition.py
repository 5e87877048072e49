"""What is silent while something worse speaks of the same: by the labels that alerts have where they fire."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from amalgam.monitoring.alerts import alerts
from amalgam.monitoring.mail import alertmanager_config
from tests.unit.alerting.cases import ALERT_CASES
from tests.unit.alerting.test_mail import NODE_DOWN, SETTINGS

RULES: list[dict[str, Any]] = yaml.safe_load(alertmanager_config(SETTINGS))["inhibit_rules"]
FIRED: dict[str, list[dict[str, str]]] = {
    name: [
        {"alertname": name, "severity": alert.severity, "cluster": "lab"} | one.get("labels", {})
        for (_, about, kind), case in ALERT_CASES.items()
        if about == name and kind.startswith("fires")
        for one in case.get("alerts", [case])
    ]
    for name, alert in alerts().items()
}
"""Alert → labels it has, one set for each time that it fires in tests/promtool."""
# No host is theirs, or (of certificates) not always. A gang waits for room on any node.
OF_THE_CLUSTER = {
    "AlertmanagerFailedToSendAlerts",
    "CephHealthError",
    "CertificateExpiry",
    "EtcdBackupMissing",
    "EtcdBackupTooOld",
    "KubeQuotaAlmostFull",
    "KubeQuotaFullyUsed",
    "PodGroupPending",
    "PrometheusJobMissing",
    "PrometheusRuleFailures",
    "StorageFillingUp",
    "Watchdog",
}


def _is_silent(target: dict[str, str], source: dict[str, str]) -> bool:
    return any(
        _matches(rule["source_matchers"], source)
        and _matches(rule["target_matchers"], target)
        and all(source.get(label, "") == target.get(label, "") for label in rule["equal"])
        for rule in RULES
    )


def _matches(matchers: list[str], labels: dict[str, str]) -> bool:
    for matcher in matchers:
        name, mark, value = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher).groups()
        found = labels.get(name, "")
        good = bool(re.fullmatch(value, found)) if mark == "=~" else (found == value) == (mark == "=")
        if not good:
            return False
    return True


def test_of_a_node_that_is_down_one_alert_speaks() -> None:
    """All that fires there, its pods' alerts too; who has no node's name is loud whatever happens to nodes."""
    loud = {
        name
        for name, fired in FIRED.items()
        for labels in fired
        if not _is_silent(labels, NODE_DOWN | {"node": labels.get("node", "gpu1")})
    }
    assert loud == {"NodeDown", *OF_THE_CLUSTER}


def test_another_node_and_the_cluster_are_not_silent() -> None:
    assert not _is_silent({"alertname": "NodeMemoryHighUtilization", "cluster": "lab", "node": "gpu2"}, NODE_DOWN)
    assert not _is_silent({"alertname": "CephHealthError", "cluster": "lab"}, NODE_DOWN)
    assert not _is_silent(NODE_DOWN, NODE_DOWN)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["source_matchers"][0])
def test_what_is_named_as_silent_has_the_labels_by_which_it_is(rule: dict[str, Any]) -> None:
    """One without the node's name would be named in vain."""
    by_name = [one for one in rule["target_matchers"] if one.startswith("alertname=")]
    silent = [labels for fired in FIRED.values() for labels in fired if by_name and _matches(by_name, labels)]
    wanted = set(rule["equal"]) & {"node", "chip", "mountpoint"}
    assert [labels for labels in silent if not wanted <= labels.keys()] == []


@pytest.mark.parametrize("store", ["LogStoreDown", "LogStoreReadOnly"])
def test_of_a_log_store_that_takes_nothing_no_host_speaks_but_one_that_loses_lines_or_soon_will(store: str) -> None:
    source = {"alertname": store, "severity": "critical", "cluster": "lab", "node": "stor1"}
    alert = {"severity": "warning", "cluster": "lab", "node": "gpu1"}
    assert _is_silent(alert | {"alertname": "LogAgentNotSending"}, source)
    assert _is_silent(alert | {"alertname": "LogAgentBacklog"}, source)
    assert not _is_silent(alert | {"alertname": "LogAgentDropping"}, source)
    assert not _is_silent(alert | {"alertname": "LogAgentQueueFull"}, source)


def test_a_warning_is_silent_beside_what_is_critical_of_the_same_name_and_place() -> None:
    loud = {"alertname": "SiteDisk", "severity": "critical", "cluster": "lab", "node": "gpu1"}
    assert _is_silent(loud | {"severity": "warning"}, loud)
    assert not _is_silent(loud | {"severity": "warning", "node": "gpu2"}, loud)
