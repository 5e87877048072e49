"""Rules as data: what the role ``prometheus`` knows, what a site changes of it, and Prometheus' own form of the whole.

Each file of ``roles/prometheus/rules`` is a topic, and becomes one group: Prometheus works off a group in its order, so
that an alert sees what was recorded above it in the same moment.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from amalgam.monitoring.durations import REMEDY as DURATION_REMEDY
from amalgam.monitoring.durations import seconds
from amalgam.monitoring.problems import Problem, refuse
from amalgam.paths import project_root

VARIABLE = "prometheus_alerts"
SEVERITIES = ("critical", "warning", "info")
Severity = Literal["critical", "warning", "info"]

THRESHOLD = "THRESHOLD"
"""What stands for the threshold in expressions and texts."""

# What an alert's own rule or the routing to people depends on.
_RESERVED_LABELS = ("alertname", "severity", "cluster", "node", "vc", "chip", "instance", "job")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Record(BaseModel):
    """A series that is computed from others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    record: str
    expr: str
    labels: dict[str, str] = {}


class Alert(BaseModel):
    """An alert as it is where a site says nothing of it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    alert: str
    expr: str
    threshold: float | None = None
    unit: Literal["ratio", "number"] = "number"
    """Of the threshold: a ratio lies between 0 and 1."""
    for_: str = Field("0s", alias="for")
    keep_firing_for: str | None = None
    severity: Severity
    enabled: bool = True
    summary: str
    description: str


class Topic(BaseModel):
    """One file of rules."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    records: list[Record] = []
    alerts: list[Alert] = []


@cache
def topics() -> dict[str, Topic]:
    """Every file of rules, by its name."""
    return {file.stem: _read(file) for file in sorted((project_root() / "roles/prometheus/rules").glob("*.yml"))}


def _read(file: Path) -> Topic:
    return Topic.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def alerts() -> dict[str, Alert]:
    """Every alert by its name."""
    return {alert.alert: alert for topic in topics().values() for alert in topic.alerts}


def rule_files(changed: Mapping[str, Mapping[str, Any]], runbooks_url: str) -> dict[str, str]:
    """Each topic with the content of its file, with what a site has ``changed`` of the alerts.

    Args:
        changed: alert → threshold, for, severity, enabled, labels; any of them may be left out.
        runbooks_url: URL of a runbook, with ``RULE`` where the alert's name stands.

    Raises:
        AmalgamError: names each value that :func:`check_alerts` refuses.
    """
    refuse(check_alerts(changed), VARIABLE)
    return {name: _content(_group(name, topic, changed, runbooks_url)) for name, topic in topics().items()}


def _group(name: str, topic: Topic, changed: Mapping[str, Mapping[str, Any]], runbooks_url: str) -> dict[str, Any]:
    records = [record.model_dump(exclude_defaults=True) for record in topic.records]
    wanted = [(alert, changed.get(alert.alert, {})) for alert in topic.alerts]
    rules = [_rule(alert, own, runbooks_url) for alert, own in wanted if own.get("enabled", alert.enabled)]
    return {"name": name, "rules": records + rules}


def _rule(alert: Alert, own: Mapping[str, Any], runbooks_url: str) -> dict[str, Any]:
    threshold = own.get("threshold", alert.threshold)
    filled = {
        key: text.replace(THRESHOLD, f"{threshold:g}" if threshold is not None else THRESHOLD).strip()
        for key, text in (("expr", alert.expr), ("summary", alert.summary), ("description", alert.description))
    }
    rule = {"alert": alert.alert, "expr": filled.pop("expr"), "for": own.get("for", alert.for_)}
    if alert.keep_firing_for:
        rule["keep_firing_for"] = alert.keep_firing_for
    labels = {"severity": own.get("severity", alert.severity)} | own.get("labels", {})
    return rule | {"labels": labels, "annotations": filled | {"runbook_url": runbooks_url.replace("RULE", alert.alert)}}


def _content(group: dict[str, Any]) -> str:
    return yaml.safe_dump({"groups": [group]}, sort_keys=False, allow_unicode=True, width=120)


def check_alerts(value: object) -> list[Problem]:
    """What is wrong with a site's ``prometheus_alerts``; nothing where it can be used."""
    if not isinstance(value, Mapping):
        return [Problem((), "must be a mapping of alerts", "write `NodeMemoryHighUtilization: {threshold: 0.8}`")]
    return [problem for name, own in value.items() for problem in _problems(str(name), own)]


def _problems(name: str, own: object) -> Iterator[Problem]:
    alert = alerts().get(name)
    if alert is None:
        close = difflib.get_close_matches(name, alerts(), n=1)
        remedy = f"is {close[0]} meant?" if close else f"there are: {', '.join(sorted(alerts()))}"
        yield Problem((name,), "no alert has this name", remedy)
    elif not isinstance(own, Mapping):
        yield Problem((name,), "must be a mapping", "write what is to be different: {enabled: false}")
    else:
        for key, value in own.items():
            yield from _CHECKS[key](alert, value) if key in _CHECKS else _unknown(alert, str(key))


def _unknown(alert: Alert, key: str) -> Iterator[Problem]:
    yield Problem((alert.alert, key), "an alert has no such key", f"there are: {', '.join(_CHECKS)}")


def _threshold(alert: Alert, value: object) -> Iterator[Problem]:
    path = (alert.alert, "threshold")
    if alert.threshold is None:
        yield Problem(path, "this alert has no threshold", "remove it")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        yield Problem(path, "must be a number", f"write it without quotes; it is {alert.threshold:g} by default")
    elif alert.unit == "ratio" and not 0 < value <= 1:
        yield Problem(path, f"{value:g} is no ratio", f"write 0.8 for 80 %; it is {alert.threshold:g} by default")
    elif value < 0:
        yield Problem(path, f"{value:g} is below 0", f"it is {alert.threshold:g} by default")


def _for(alert: Alert, value: object) -> Iterator[Problem]:
    if seconds(value) is None:
        yield Problem((alert.alert, "for"), f"{value!r} is no span of time", DURATION_REMEDY)


def _severity(alert: Alert, value: object) -> Iterator[Problem]:
    if value not in SEVERITIES:
        yield Problem((alert.alert, "severity"), f"{value!r} is no severity", f"there are: {', '.join(SEVERITIES)}")


def _enabled(alert: Alert, value: object) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield Problem((alert.alert, "enabled"), "must be true or false", "write it without quotes")


def _labels(alert: Alert, value: object) -> Iterator[Problem]:
    path = (alert.alert, "labels")
    if not isinstance(value, Mapping):
        yield Problem(path, "must be a mapping", "write {team: network}")
        return
    for label, content in value.items():
        if not isinstance(label, str) or not _LABEL.fullmatch(label) or label.startswith("__"):
            yield Problem((*path, str(label)), "is no name of a label", "use letters, digits and _")
        elif label in _RESERVED_LABELS:
            yield Problem((*path, label), "this label is the rule's own", "use another name")
        elif not isinstance(content, str):
            yield Problem((*path, label), "must be text", "put it in quotes")


_CHECKS = {"threshold": _threshold, "for": _for, "severity": _severity, "enabled": _enabled, "labels": _labels}
