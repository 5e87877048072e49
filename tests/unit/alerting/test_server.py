"""Intervals, spans of time, retention, targets, certificates: what goes to Prometheus besides rules."""

from __future__ import annotations

import json

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.monitoring.certificates import expiry_rules
from amalgam.monitoring.durations import seconds
from amalgam.monitoring.server import check_server
from amalgam.monitoring.targets import target_files
from amalgam.pki import make_authority

GOOD = {"scrape_interval": "15s", "evaluation_interval": "15s", "retention_time": "90d", "retention_size": "20GB"}


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", 90), ("1h30m", 5400), ("1d", 86400), ("500ms", 0.5), ("0s", 0), ("1w", 604800)],
)
def test_a_span_of_time_is_read(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "1", "1.5h", "30m1h", "-1m", "1 h", 60, None, "h"])
def test_what_is_no_span_of_time_is_seen(text: object) -> None:
    assert seconds(text) is None


def test_a_site_that_says_nothing_has_no_problems() -> None:
    assert check_server(GOOD) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scrape_interval", "1m"),
        ("scrape_interval", "1s"),
        ("scrape_interval", "often"),
        ("evaluation_interval", "2m"),
        ("retention_time", "0s"),
        ("retention_time", "long"),
        ("retention_size", "20"),
        ("retention_size", "20 GB"),
        ("retention_size", "0GB"),
    ],
)
def test_what_prometheus_would_not_take_or_rules_not_bear_is_refused(key: str, value: str) -> None:
    assert [problem.path for problem in check_server(GOOD | {key: value})] == [(key,)]


def test_a_target_is_a_host_by_its_gateway_with_its_name_as_label() -> None:
    targets = [{"job": "dcgm", "hosts": [{"name": "gpu1", "address": "10.20.0.21"}]}, {"job": "etcd", "hosts": []}]
    files = target_files(targets, 9443, {"dcgm": {"vendor": "nvidia"}})
    assert json.loads(files["dcgm"]) == [
        {"targets": ["10.20.0.21:9443"], "labels": {"node": "gpu1", "instance": "gpu1", "vendor": "nvidia"}}
    ]
    assert json.loads(files["etcd"]) == []


def test_the_end_of_a_certificate_is_a_series() -> None:
    authority = make_authority("lab").certificate
    (group,) = yaml.safe_load(expiry_rules({"authority": authority}))["groups"]
    (rule,) = group["rules"]
    assert rule["labels"] == {"certificate": "authority"}
    assert rule["expr"].startswith("vector(")
    assert float(rule["expr"][7:-1]) > 1.7e9


def test_what_is_no_certificate_is_refused_by_name() -> None:
    with pytest.raises(AmalgamError, match="no certificate") as caught:
        expiry_rules({"monitoring": "nothing"})
    assert caught.value.where == "certificate monitoring"
