"""Silences against a simulated Alertmanager: what is sent, and what is made of its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from amalgam.connection import UnreachableError
from amalgam.credentials_file import Account
from amalgam.errors import AmalgamError
from amalgam.monitoring.silences import Alertmanager, Matcher, parse_matcher

NODE = [Matcher("node", "gpu1")]
HOUR = timedelta(hours=1)


class Simulated:
    """The part of the API that is used, with what it was asked."""

    def __init__(self) -> None:
        self.silences: dict[str, dict] = {}
        self.writes: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/alertmanager/api/v2/")
        if request.method == "GET" and path == "silences":
            return httpx.Response(200, json=list(self.silences.values()))
        self.writes.append(f"{request.method} {path}")
        if request.method == "POST":
            body = json.loads(request.content)
            body["id"] = body.get("id") or f"silence-{len(self.silences) + 1}"
            self.silences[body["id"]] = body | {"status": {"state": "active"}}
            return httpx.Response(200, json={"silenceID": body["id"]})
        self.silences[path.partition("/")[2]]["status"]["state"] = "expired"
        return httpx.Response(200)


@pytest.fixture
def simulated() -> Simulated:
    return Simulated()


def asked(answer) -> Alertmanager:
    account = Account(user="amalgam", password="secret", ca_certificate="PEM")
    return Alertmanager("https://monitoring:8445", account, transport=httpx.MockTransport(answer))


def test_a_silence_is_made_with_what_it_is_for(simulated: Simulated) -> None:
    identifier, changed = asked(simulated).silence(NODE, HOUR, "upgrade", "amalgam")

    made = simulated.silences[identifier]
    assert changed
    assert made["matchers"] == [{"name": "node", "value": "gpu1", "isRegex": False, "isEqual": True}]
    assert (made["comment"], made["createdBy"]) == ("upgrade", "amalgam")
    left = datetime.fromisoformat(made["endsAt"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= HOUR


def test_the_same_silence_again_is_no_change(simulated: Simulated) -> None:
    alertmanager = asked(simulated)
    first = alertmanager.silence(NODE, HOUR, "upgrade", "amalgam")

    assert alertmanager.silence(NODE, HOUR, "upgrade", "amalgam") == (first[0], False)
    assert simulated.writes == ["POST silences"]


def test_a_silence_that_would_end_too_soon_is_lengthened_and_not_made_twice(simulated: Simulated) -> None:
    alertmanager = asked(simulated)
    first, _ = alertmanager.silence(NODE, timedelta(minutes=10), "upgrade", "amalgam")

    assert alertmanager.silence(NODE, HOUR, "upgrade", "amalgam") == (first, True)
    assert len(simulated.silences) == 1


@pytest.mark.parametrize(("matchers", "comment"), [([Matcher("node", "gpu2")], "upgrade"), (NODE, "another reason")])
def test_another_silence_is_left_alone(simulated: Simulated, matchers: list[Matcher], comment: str) -> None:
    alertmanager = asked(simulated)
    alertmanager.silence(NODE, HOUR, "upgrade", "amalgam")
    alertmanager.silence(matchers, HOUR, comment, "amalgam")

    assert len(simulated.silences) == 2


def test_a_dry_run_writes_nothing(simulated: Simulated) -> None:
    assert asked(simulated).silence(NODE, HOUR, "upgrade", "amalgam", write=False) == ("", True)
    assert simulated.writes == []


def test_a_silence_that_ended_is_not_there(simulated: Simulated) -> None:
    alertmanager = asked(simulated)
    first, _ = alertmanager.silence(NODE, HOUR, "upgrade", "amalgam")
    alertmanager.expire(first)

    assert alertmanager.silences() == []
    assert alertmanager.silence(NODE, HOUR, "upgrade", "amalgam") == ("silence-2", True)


@pytest.mark.parametrize(
    ("text", "matcher"),
    [
        ("node=gpu1", Matcher("node", "gpu1")),
        ("vc!=nlp", Matcher("vc", "nlp", is_equal=False)),
        ("alertname=~Node.+", Matcher("alertname", "Node.+", is_regex=True)),
        ("node!~gpu.+", Matcher("node", "gpu.+", is_regex=True, is_equal=False)),
        ("summary=a=b!", Matcher("summary", "a=b!")),
    ],
)
def test_a_matcher_is_read_as_it_is_written(text: str, matcher: Matcher) -> None:
    assert parse_matcher(text) == matcher
    assert str(matcher) == text


@pytest.mark.parametrize("text", ["", "node", "node=", "=gpu1", "no de=gpu1", "node!gpu1", "node~gpu1"])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(AmalgamError, match="says nothing about a label"):
        parse_matcher(text)


def test_a_refusal_says_what_alertmanager_says() -> None:
    with pytest.raises(AmalgamError) as caught:
        asked(lambda _: httpx.Response(400, text="at least one matcher")).silence(NODE, HOUR, "x", "amalgam")
    assert "400 at least one matcher" in str(caught.value)


def test_a_wrong_password_is_told_from_other_refusals() -> None:
    with pytest.raises(AmalgamError, match="401") as caught:
        asked(lambda _: httpx.Response(401)).silences()
    assert "password" in caught.value.remedy


def test_no_answer_is_an_error_of_its_own() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(UnreachableError, match="does not answer"):
        asked(refuse).silences()
