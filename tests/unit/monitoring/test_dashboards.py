"""What dashboards ask is PromQL about series that there are, and a mistake in one is refused before it is served."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.monitoring.alerts import topics
from amalgam.monitoring.dashboards import Dashboard, as_json, load, with_values
from tests.unit.alerting.programs import program
from tests.unit.monitoring.stand_in import DASHBOARDS

ALL = load(DASHBOARDS)
_RECORDED = {record.record for topic in topics().values() for record in topic.records}
# Of Kubernetes' own components, of cluster_state, Prometheus and the log store, in their own words.
_EXPORTED = {
    "apiserver_request_duration_seconds_count",
    "apiserver_request_duration_seconds_sum",
    "apiserver_request_total",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "kube_job_info",
    "kube_job_status_active",
    "kube_job_status_failed",
    "kube_job_status_succeeded",
    "kube_node_status_condition",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_restarts_total",
    "kube_pod_info",
    "kube_pod_labels",
    "kube_pod_status_phase",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_tsdb_head_series",
    "up",
    "vl_rows_ingested_total",
}
_WORDS = {"or", "and", "unless", "bool", "offset"}


def _series(expr: str) -> set[str]:
    """Names of series: what is neither a function, nor a word of the language, nor in braces or after a `by`."""
    plain = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", expr)
    plain = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", plain)
    return set(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*\b(?!\s*\()", plain)) - _WORDS


def _described() -> dict:
    return yaml.safe_load((DASHBOARDS / "vc.yml").read_text())


def test_there_is_one_for_each_thing_that_people_ask_about() -> None:
    assert list(ALL) == ["cluster", "node", "chip", "vc", "job"]


@pytest.mark.parametrize("name", ALL)
def test_every_series_is_recorded_or_exported_by_something_that_is_scraped(name: str) -> None:
    asked = {series for expr in ALL[name].expressions for series in _series(with_values(expr))}
    assert asked
    assert asked - _RECORDED - _EXPORTED == set()


def test_names_of_series_are_found_among_all_else() -> None:
    expr = 'sum by (pod) (rate(a_total{x="b"}[5m]) * on (pod) group_left () max by (pod) (c:d)) or vector(0)'
    assert _series(expr) == {"a_total", "c:d"}


def test_a_0_stands_in_for_one_number_and_not_for_a_series_of_its_own() -> None:
    """`X or vector(0)` is both where X has labels."""
    instead = [expr for one in ALL.values() for expr in one.expressions if "or vector(0)" in expr]
    assert instead
    assert [expr for expr in instead if not re.match(r"\(?(sum|count)\(.+\) or vector\(0\)", expr)] == []


def test_prometheus_itself_reads_every_expression(tmp_path: Path) -> None:
    expressions = [with_values(expr) for dashboard in ALL.values() for expr in dashboard.expressions]
    rules = [{"record": f"checked:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run(
        [program("promtool"), "check", "rules", str(tmp_path / "rules.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(expressions)} rules found" in done.stdout


def test_the_page_gets_the_same_bytes_each_time() -> None:
    described = json.loads(as_json(ALL, "example"))
    assert as_json(ALL, "example") == as_json(load(DASHBOARDS), "example")
    assert described["site"] == "example"
    assert [one["name"] for one in described["dashboards"]] == list(ALL)


def test_variables_are_replaced_where_others_read_the_expression() -> None:
    assert with_values('x{node=~"$node"}[$range]', {"node": "worker1"}) == 'x{node=~"worker1"}[1h]'
    assert with_values('x{node=~"$node"}[$interval]') == 'x{node=~".*"}[5m]'


def _mistakes() -> Iterator[tuple[str, dict, str]]:
    panel = {"title": "T", "kind": "stat", "unit": "count", "help": "A sentence.", "queries": [{"expr": "up"}]}
    yield "unknown key", {"rows": [{"title": "R", "panels": [panel | {"colour": "red"}]}]}, "Extra inputs"
    yield "unknown unit", {"rows": [{"title": "R", "panels": [panel | {"unit": "furlongs"}]}]}, "Input should be"
    yield "no help", {"rows": [{"title": "R", "panels": [{k: v for k, v in panel.items() if k != "help"}]}]}, "required"
    yield "no query", {"rows": [{"title": "R", "panels": [panel | {"queries": []}]}]}, "at least 1"
    yield "table without columns", {"rows": [{"title": "R", "panels": [panel | {"kind": "table"}]}]}, "has columns"
    yield "stacked number", {"rows": [{"title": "R", "panels": [panel | {"stacked": True}]}]}, "only a graph"
    unknown = panel | {"queries": [{"expr": 'up{node="$node"}'}]}
    yield "unknown variable", {"rows": [{"title": "R", "panels": [unknown]}]}, r"\$node is no variable"
    yield "link to elsewhere", {"links": [{"title": "L", "href": "https://example.org"}]}, "should match pattern"
    columns = {"kind": "table", "columns": [{"label": "a", "title": "A", "dashboard": "nowhere"}]}
    yield "link to nowhere", {"rows": [{"title": "R", "panels": [panel | columns]}]}, "'nowhere' that is not there"


_MISTAKES = list(_mistakes())


@pytest.mark.parametrize(("changed", "reason"), [one[1:] for one in _MISTAKES], ids=[one[0] for one in _MISTAKES])
def test_a_mistake_is_refused_with_the_file_that_has_it(tmp_path: Path, changed: dict, reason: str) -> None:
    described = {"title": "D", "position": 1, "rows": _described()["rows"], **changed}
    described["variables"] = [] if "rows" in changed else _described()["variables"]
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(described))
    with pytest.raises(AmalgamError, match=reason) as refused:
        load(tmp_path)
    assert refused.value.where == str(tmp_path / "wrong.yml")


def test_a_folder_without_dashboards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AmalgamError, match="no dashboards"):
        load(tmp_path)


@pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)
def test_no_two_panels_of_a_row_have_one_name(dashboard: Dashboard) -> None:
    for row in dashboard.rows:
        titles = [panel.title for panel in row.panels]
        assert len(set(titles)) == len(titles)
