"""The report says what a synthetic Prometheus lets it know."""

from __future__ import annotations

import math

import pytest

from amalgam.capacity.forecast import DAY_S
from amalgam.capacity.measures import Scope
from amalgam.capacity.report import Report, day, make_report
from amalgam.capacity.words import outlook
from amalgam.errors import AmalgamError
from tests.unit.capacity.synthetic import FILES, GIB, MEMORY, NOW, PODS, Synthetic


def _report(synthetic: Synthetic, days: int = 30) -> Report:
    return make_report(synthetic.client(), days=days, now=NOW)


def _outlooks(report: Report) -> dict[str, str]:
    return {entry.resource: outlook(entry, report.days) for entry in report.entries}


def test_the_day_on_which_something_runs_out_is_named_with_its_range(synthetic: Synthetic) -> None:
    (storage,) = (entry for entry in _report(synthetic).entries if entry.resource == "storage")
    assert storage.forecast.per_day == pytest.approx(10 * GIB, rel=0.01)
    assert storage.forecast.at == pytest.approx(NOW + 10 * DAY_S, abs=DAY_S / 2)
    assert (storage.used, storage.limit) == (900 * GIB, 1000 * GIB)
    assert outlook(storage, 30).startswith(str(day(storage.forecast.at)))


def test_where_no_day_is_named_the_reason_is(synthetic: Synthetic) -> None:
    synthetic.add(MEMORY, 64 * GIB, lambda days: (60 + days) * GIB / 2 - days * GIB, node="stor1")
    synthetic.add(FILES, 100 * GIB, lambda days: (10 + 0.1 * days) * GIB, node="stor1", mountpoint="/srv")
    said = _outlooks(_report(synthetic))
    assert said["nvidia.com/gpu"] == "full"
    assert said["pods"] == "no trend that is sure"
    assert said["memory"] == "gets less"
    assert said["files in /srv"] == "not within 120 days"


def test_few_days_name_no_day(synthetic: Synthetic) -> None:
    report = _report(synthetic, days=1)
    assert {entry.forecast.at for entry in report.entries} == {None}
    assert _outlooks(report)["storage"] == "6 days are needed, and 1 looked at"
    synthetic.series = [
        (measure, labels, limit, lambda days, rule=rule: rule(days) if days > -2 else math.nan)
        for measure, labels, limit, rule in synthetic.series
    ]
    assert _outlooks(_report(synthetic))["pods"] == "too few days measured: 3 of 6 needed"


def test_what_is_fullest_is_said_of_the_cluster_of_hosts_and_of_each_vc(synthetic: Synthetic) -> None:
    named = [(entry.owner, entry.resource) for entry in _report(synthetic).bottlenecks()]
    assert named == [("cluster", "nvidia.com/gpu"), ("gpu1", "files in /"), ("vision", "pods")]


def test_a_host_that_says_nothing_is_named(synthetic: Synthetic) -> None:
    assert _report(synthetic).silent == ("stor1",)


def test_what_has_gone_and_what_nobody_measures_is_left_out(synthetic: Synthetic) -> None:
    synthetic.add(PODS, 0, lambda _: 0, vc="empty", resource="pods")
    synthetic.add(PODS, 5, lambda _: math.nan, vc="unknown", resource="pods")
    assert list(_report(synthetic).of(Scope.VC)) == ["vision"]


def test_a_range_has_no_more_points_than_are_of_use(synthetic: Synthetic) -> None:
    _report(synthetic)
    _report(synthetic, days=1)
    steps = {float(asked["step"]) for asked in synthetic.asked if "step" in asked}
    assert steps == {3600.0, 300.0}
    assert not [asked for asked in synthetic.asked if "WINDOW" in asked["query"]]


def test_where_nothing_is_measured_there_is_no_report() -> None:
    with pytest.raises(AmalgamError, match="nothing has been measured yet"):
        _report(Synthetic(nodes=()))
