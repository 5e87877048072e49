"""Each alert is seen to fire, with the words a person reads, and to stay silent; each recorded series is computed.

The cases lie in ``tests/promtool``, a file a topic, in promtool's words. Prometheus itself judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from amalgam.monitoring.alerts import alerts, topics
from tests.unit.alerting.cases import ALERT_CASES, CASES
from tests.unit.alerting.conftest import RUNBOOKS
from tests.unit.alerting.programs import ROOT, said

# Without a case of silence.
ALWAYS = {"Watchdog"}
RECORD_CASES = [(topic, case) for topic, content in CASES.items() for case in content.get("records") or []]


def _asked(promtool: str, rules: Path, folder: Path, topic: str, case: dict[str, Any], tests: dict[str, Any]) -> None:
    """Have promtool run one test against the rules of a topic."""
    interval = case.get("interval", "15s")
    series = [{"series": name, "values": str(values)} for name, values in case.get("series", {}).items()]
    content = {
        "rule_files": [str(rules / f"{topic}.yml")],
        "evaluation_interval": interval,
        "tests": [{"interval": interval, "input_series": series, **tests}],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    code, output = said(promtool, "test", "rules", file)
    assert code == 0, output


def _expected(alert: str, case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in case.get("alerts", [case]):
        yield {
            "exp_labels": {"severity": alerts()[alert].severity, **one.get("labels", {})},
            "exp_annotations": {
                "summary": one["summary"],
                "description": one["description"],
                "runbook_url": RUNBOOKS.replace("RULE", alert),
            },
        }


@pytest.mark.parametrize(("topic", "alert", "kind"), list(ALERT_CASES), ids=[" ".join(key) for key in ALERT_CASES])
def test_an_alert_comes_when_it_should_and_only_then(
    promtool: str, rules: Path, tmp_path: Path, topic: str, alert: str, kind: str
) -> None:
    case = ALERT_CASES[topic, alert, kind]
    expected = list(_expected(alert, case)) if kind.startswith("fires") else []
    tests = {"alert_rule_test": [{"eval_time": case["after"], "alertname": alert, "exp_alerts": expected}]}
    _asked(promtool, rules, tmp_path, topic, case, tests)


@pytest.mark.parametrize(("topic", "case"), RECORD_CASES, ids=[case["what"] for _, case in RECORD_CASES])
def test_series_are_recorded(promtool: str, rules: Path, tmp_path: Path, topic: str, case: dict[str, Any]) -> None:
    tests = {
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": case["after"],
                "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
            }
            for expr, samples in case["gives"].items()
        ]
    }
    _asked(promtool, rules, tmp_path, topic, case, tests)


def test_each_alert_has_a_case_that_fires_and_one_that_is_silent() -> None:
    wanted = {
        (topic, alert.alert, kind)
        for topic, content in topics().items()
        for alert in content.alerts
        for kind in ("fires", "silent")
        if (alert.alert, kind) not in {(name, "silent") for name in ALWAYS}
    }
    assert {(topic, alert, kind.partition(" ")[0]) for topic, alert, kind in ALERT_CASES} == wanted


def test_a_case_of_silence_has_series() -> None:
    """Silence where nothing is at all would prove nothing."""
    assert [key for key, case in ALERT_CASES.items() if key[2].startswith("silent") and not case.get("series")] == []


def test_each_recorded_series_has_a_case() -> None:
    seen = {
        (topic, record.record)
        for topic, content in topics().items()
        for record in content.records
        if any(record.record in expr for where, case in RECORD_CASES if where == topic for expr in case["gives"])
    }
    assert {(topic, record.record) for topic, content in topics().items() for record in content.records} == seen


def test_each_alert_has_a_runbook() -> None:
    written = {file.stem for file in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert written - {"README"} == set(alerts())


def test_a_runbook_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    for alert in alerts():
        page = (ROOT / "docs" / "runbooks" / f"{alert}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {alert}\n")
        for heading in ("**Means.**", "**Look.**", "**Do.**"):
            assert heading in page, f"{alert}: {heading}"


def test_names_are_given_once() -> None:
    names = [alert.alert for content in topics().values() for alert in content.alerts]
    names += [record.record for content in topics().values() for record in content.records]
    assert len(names) == len(set(names))


def test_prometheus_takes_the_rules(promtool: str, rules: Path) -> None:
    code, output = said(promtool, "check", "rules", "--lint=all", "--lint-fatal", *sorted(rules.glob("*.yml")))
    assert code == 0, output
