"""Searches as the web server sees them, and what becomes of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import parse_qs

import httpx
import pytest

from amalgam.errors import AmalgamError
from amalgam.logs.query import Search
from amalgam.logs.store import Line, LogStore
from amalgam.monitoring.credentials import Credentials

ALICE = Credentials(url="https://monitoring.example:8445", user="alice", password="secret-canary", ca_certificate="PEM")
SINCE, UNTIL = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)


def _store(answer: Callable[[httpx.Request], httpx.Response], vc: str = "") -> LogStore:
    return LogStore(ALICE, vc, transport=httpx.MockTransport(answer))


def _said(*lines: Line) -> httpx.Response:
    return httpx.Response(200, text="".join(f"{json.dumps(line)}\n" for line in lines))


def _search(store: LogStore, search: Search | None = None) -> list[Line]:
    return store.search(search or Search(), since=SINCE, until=UNTIL, limit=7)


def test_a_search_says_what_it_wants_and_who_asks() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return _said()

    assert _search(_store(answer), Search(text="oops", node="n1")) == []
    (request,) = asked
    assert str(request.url) == "https://monitoring.example:8445/logs/select/logsql/query"
    assert parse_qs(request.content.decode()) == {
        "query": ["*"],
        "extra_filters": ['(*"oops"* or err:*"oops"* or error:*"oops"*)', 'node:="n1"'],
        "start": ["2030-01-01T00:00:00+00:00"],
        "end": ["2030-01-02T00:00:00+00:00"],
        "limit": ["7"],
    }
    assert request.headers["Authorization"] == httpx.BasicAuth("alice", "secret-canary")._auth_header


def test_a_member_asks_in_the_vc_s_own_place() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/logs/vc/vision/select/logsql/query"
        return _said()

    _search(_store(answer, "vision"))


def test_lines_come_in_the_order_of_their_times() -> None:
    later, earlier = {"_time": "2030-01-01T02:00:00Z"}, {"_time": "2030-01-01T01:00:00.5Z"}
    assert _search(_store(lambda _: _said(later, earlier))) == [earlier, later]


@pytest.mark.parametrize(
    ("status", "vc", "what", "remedy"),
    [
        (401, "", "may not see the logs of the whole site", "--vc"),
        (403, "vision", "may not see the logs of vision", "administrator"),
        (400, "", "does not understand the query: missing", "logsql"),
        (502, "", "answers 502", "victoria-logs"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, vc: str, what: str, remedy: str) -> None:
    with pytest.raises(AmalgamError, match=what) as refusal:
        _search(_store(lambda _: httpx.Response(status, text="missing ')'"), vc))
    assert remedy in refusal.value.remedy
    assert "secret-canary" not in str(refusal.value)


@pytest.mark.parametrize("error", [httpx.ConnectError("no route"), httpx.ReadTimeout("")])
def test_silence_is_told_as_such(error: httpx.TransportError) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(AmalgamError, match="does not answer"):
        _search(_store(answer))


class _BrokenOff(httpx.SyncByteStream):
    """An answer that ends in the middle."""

    def __init__(self, *lines: Line) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            yield f"{json.dumps(line)}\n".encode()
        raise httpx.RemoteProtocolError("peer closed connection")


def test_a_tail_that_breaks_off_goes_on_and_says_no_line_twice() -> None:
    one, two, three = ({"_time": f"2030-01-01T00:00:0{number}Z", "_msg": str(number)} for number in (1, 2, 3))
    answers = [
        httpx.Response(200, stream=_BrokenOff(one, two)),
        httpx.Response(200, stream=_BrokenOff()),
        _said(two, three),
    ]
    offsets: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/tail")
        offsets.extend(parse_qs(request.content.decode())["start_offset"])
        return answers.pop(0)

    assert list(islice(_store(answer).tail(Search(), seconds=60), 3)) == [one, two, three]
    assert offsets == ["60s", "15s", "15s"]


def test_a_tail_that_is_refused_ends() -> None:
    with pytest.raises(AmalgamError, match="may not see"):
        list(_store(lambda _: httpx.Response(401)).tail(Search(), seconds=0))
