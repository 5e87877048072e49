"""What a site may change of alerts, and what it is told of what it may not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.monitoring.alerts import alerts, check_alerts, rule_files

URL = "https://monitoring.example.internal:8445/runbooks/RULE.md"


def rule(changed: dict[str, Any], alert: str) -> dict[str, Any] | None:
    """An alert as Prometheus gets it."""
    groups = (yaml.safe_load(content)["groups"][0] for content in rule_files(changed, URL).values())
    return next((one for group in groups for one in group["rules"] if one.get("alert") == alert), None)


def test_a_site_that_says_nothing_gets_the_alerts_as_they_are_written() -> None:
    found = rule({}, "NodeMemoryHighUtilization")
    assert found["expr"] == "node:memory_utilization:ratio >= 0.7"
    assert found["labels"] == {"severity": "warning"}
    assert (
        found["annotations"]["runbook_url"]
        == "https://monitoring.example.internal:8445/runbooks/NodeMemoryHighUtilization.md"
    )


def test_what_a_site_changes_is_in_expression_and_words_alike() -> None:
    changed = {"threshold": 0.85, "for": "10m", "severity": "critical", "labels": {"team": "hardware"}}
    found = rule({"NodeMemoryHighUtilization": changed}, "NodeMemoryHighUtilization")
    assert (found["expr"], found["for"]) == ("node:memory_utilization:ratio >= 0.85", "10m")
    assert found["labels"] == {"severity": "critical", "team": "hardware"}
    assert "{{ 0.85 | humanizePercentage }}" in found["annotations"]["description"]


def test_an_alert_can_be_taken_out_and_an_optional_one_taken_in() -> None:
    assert rule({"NodeMemoryHighUtilization": {"enabled": False}}, "NodeMemoryHighUtilization") is None
    assert rule({}, "EtcdBackupMissing") is None
    assert rule({"EtcdBackupMissing": {"enabled": True}}, "EtcdBackupMissing")


def test_no_placeholder_is_left() -> None:
    assert all("THRESHOLD" not in content for content in rule_files({}, URL).values())


def test_an_alert_with_a_threshold_uses_it_and_one_without_does_not() -> None:
    wrong = [one.alert for one in alerts().values() if ("THRESHOLD" in one.expr) != (one.threshold is not None)]
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "must be a mapping of alerts"),
        (
            {"NodeMemroyHighUtilization": {}},
            "NodeMemroyHighUtilization: no alert has this name; is NodeMemoryHighUtilization meant?",
        ),
        ({"Nothing": {}}, "Nothing: no alert has this name; there are: Accelerator"),
        ({"NodeMemoryHighUtilization": 0.8}, "NodeMemoryHighUtilization: must be a mapping"),
        (
            {"NodeMemoryHighUtilization": {"treshold": 0.8}},
            "NodeMemoryHighUtilization.treshold: an alert has no such key",
        ),
        ({"NodeMemoryHighUtilization": {"threshold": "80%"}}, "NodeMemoryHighUtilization.threshold: must be a number"),
        ({"NodeMemoryHighUtilization": {"threshold": True}}, "NodeMemoryHighUtilization.threshold: must be a number"),
        (
            {"NodeMemoryHighUtilization": {"threshold": 80}},
            "NodeMemoryHighUtilization.threshold: 80 is no ratio; write 0.8 for 80 %",
        ),
        ({"AcceleratorTemperatureHigh": {"threshold": -1}}, "AcceleratorTemperatureHigh.threshold: -1 is below 0"),
        ({"NodeDown": {"threshold": 1}}, "NodeDown.threshold: this alert has no threshold"),
        ({"NodeDown": {"for": "soon"}}, "NodeDown.for: 'soon' is no span of time"),
        ({"NodeDown": {"for": 60}}, "NodeDown.for: 60 is no span of time"),
        ({"NodeDown": {"severity": "high"}}, "NodeDown.severity: 'high' is no severity; there are: critical"),
        ({"NodeDown": {"enabled": "no"}}, "NodeDown.enabled: must be true or false"),
        ({"NodeDown": {"labels": {"my-team": "x"}}}, "NodeDown.labels.my-team: is no name of a label"),
        ({"NodeDown": {"labels": {"__x": "x"}}}, "NodeDown.labels.__x: is no name of a label"),
        ({"NodeDown": {"labels": {"node": "x"}}}, "NodeDown.labels.node: this label is the rule's own"),
        ({"NodeDown": {"labels": {"team": 1}}}, "NodeDown.labels.team: must be text"),
        ({"NodeDown": {"labels": ["team"]}}, "NodeDown.labels: must be a mapping"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(value: Any, problem: str) -> None:
    found = [str(one) for one in check_alerts(value)]
    assert len(found) == 1
    assert problem in found[0]


def test_nothing_is_rendered_from_what_is_refused() -> None:
    with pytest.raises(AmalgamError) as caught:
        rule_files({"NodeMemroyHighUtilization": {}, "NodeDown": {"for": "soon"}}, URL)
    said = str(caught.value)
    assert "2 of its values cannot be used" in said
    assert "prometheus_alerts.NodeMemroyHighUtilization" in said
    assert "prometheus_alerts.NodeDown.for" in said


def test_a_value_that_is_good_has_no_problems() -> None:
    assert (
        check_alerts(
            {"NodeDown": {"for": "1h30m", "severity": "warning"}, "NodeMemoryHighUtilization": {"threshold": 1}}
        )
        == []
    )
