"""Queries as the web server sees them, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from amalgam.errors import AmalgamError
from amalgam.monitoring.credentials import Credentials
from amalgam.monitoring.prometheus import Prometheus, Sample, Series

ALICE = Credentials(url="https://monitoring.example:8445", user="alice", password="secret-canary", ca_certificate="PEM")


def _prometheus(answer: Callable[[httpx.Request], httpx.Response]) -> Prometheus:
    return Prometheus(ALICE, transport=httpx.MockTransport(answer))


def _found(kind: str, *series: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": {"resultType": kind, "result": list(series)}})


def test_a_query_says_what_it_wants_and_who_asks() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return _found("vector", {"metric": {"node": "n1"}, "value": [1893456000.5, "0.25"]})

    with _prometheus(answer) as prometheus:
        assert prometheus.query("node:cpu_utilization:ratio") == [Sample({"node": "n1"}, 0.25)]
    (request,) = asked
    assert str(request.url) == "https://monitoring.example:8445/prometheus/api/v1/query"
    assert parse_qs(request.content.decode()) == {"query": ["node:cpu_utilization:ratio"]}
    assert request.headers["Authorization"] == httpx.BasicAuth("alice", "secret-canary")._auth_header


def test_a_range_has_the_values_of_each_series_in_time() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/prometheus/api/v1/query_range"
        times = {"start": ["100.000"], "end": ["160.500"], "step": ["60.000"]}
        assert parse_qs(request.content.decode()) == {"query": ["x"], **times}
        return _found("matrix", {"metric": {}, "values": [[100, "1"], [160, "+Inf"]]})

    found = _prometheus(answer).query_range("x", start=100, end=160.5, step=60)
    assert found == [Series({}, ((100.0, 1.0), (160.0, float("inf"))))]


def test_hosts_are_named_in_order() -> None:
    series = [{"metric": {"node": name}, "value": [0, "1"]} for name in ("stor1", "gpu1")]
    assert _prometheus(lambda _: _found("vector", *series)).nodes() == ["gpu1", "stor1"]


def test_where_nothing_is_measured_yet_that_is_said() -> None:
    with pytest.raises(AmalgamError, match="nothing has been measured yet") as refusal:
        _prometheus(lambda _: _found("vector")).nodes()
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("answer", "what", "remedy"),
    [
        (httpx.Response(401, html="<h1>401</h1>"), "does not know alice", "administrator"),
        (
            httpx.Response(400, json={"status": "error", "error": "1:3: parse error"}),
            "refuses the query: 1:3: parse error",
            "correct",
        ),
        (httpx.Response(422, json={"status": "error", "error": "too many samples"}), "too many samples", "fewer days"),
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), "answers 502", "journalctl -u prometheus"),
        (httpx.Response(200, html="<h1>hello</h1>"), "answers 200", "management host"),
        (httpx.Response(200, json={"status": "success", "data": {"resultType": "scalar"}}), "but a scalar", "series"),
    ],
)
def test_a_refusal_says_what_to_do(answer: httpx.Response, what: str, remedy: str) -> None:
    with pytest.raises(AmalgamError, match=what) as refusal:
        _prometheus(lambda _: answer).query("x")
    assert refusal.value.where == ALICE.url
    assert remedy in refusal.value.remedy
    assert "secret-canary" not in str(refusal.value)


@pytest.mark.parametrize("error", [httpx.ConnectError("no route"), httpx.ReadTimeout("")])
def test_silence_is_told_as_such(error: httpx.TransportError) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(AmalgamError, match=r"does not answer: (no route|ReadTimeout)"):
        _prometheus(answer).query("x")
