"""Silences, by Alertmanager's API (version 2).

What is asked and answered: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from amalgam.connection import Connection
from amalgam.credentials_file import Account
from amalgam.errors import AmalgamError

_TIMEOUT_S = 20.0
_MATCHER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.+)")
# What is asked for again a moment later is not worth a change.
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True, order=True)
class Matcher:
    """One condition on a label of alerts."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def __str__(self) -> str:
        """As people write it."""
        mark = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}
        return f"{self.name}{mark[self.is_equal, self.is_regex]}{self.value}"

    def plain(self) -> dict[str, Any]:
        """In the API's words."""
        return {"name": self.name, "value": self.value, "isRegex": self.is_regex, "isEqual": self.is_equal}


def parse_matcher(text: str) -> Matcher:
    """``node=gpu1``, ``vc!=nlp``, ``alertname=~Node.+`` or ``node!~gpu.+``.

    Raises:
        AmalgamError: it is none.
    """
    match = _MATCHER.fullmatch(text)
    if match is None:
        remedy = "write LABEL=VALUE, LABEL!=VALUE, LABEL=~EXPRESSION or LABEL!~EXPRESSION"
        raise AmalgamError(f"{text!r} says nothing about a label", remedy=remedy)
    name, mark, value = match.groups()
    return Matcher(name, value, is_regex="~" in mark, is_equal="!" not in mark)


@dataclass(frozen=True)
class Silence:
    """Alerts that match all of ``matchers`` are not sent until ``ends_at``."""

    matchers: tuple[Matcher, ...]
    comment: str
    created_by: str
    starts_at: datetime
    ends_at: datetime
    id: str = ""
    state: str = ""
    """active, pending or expired."""

    def plain(self) -> dict[str, Any]:
        """In the API's words."""
        body = {
            "matchers": [matcher.plain() for matcher in self.matchers],
            "comment": self.comment,
            "createdBy": self.created_by,
            "startsAt": self.starts_at.isoformat(),
            "endsAt": self.ends_at.isoformat(),
        }
        return body | ({"id": self.id} if self.id else {})


class Alertmanager(Connection):
    """Alertmanager, asked through the web server before it."""

    service = "Alertmanager"
    on_silence = "see `systemctl status prometheus-alertmanager nginx` there, and whether its firewall lets you in"

    def __init__(self, url: str, account: Account, *, transport: httpx.BaseTransport | None = None) -> None:
        """Connect when first asked, to the web server at ``url`` (``https://HOST:PORT``)."""
        super().__init__(f"{url}/alertmanager/", account, where=url, seconds=_TIMEOUT_S, transport=transport)

    def silences(self) -> list[Silence]:
        """Those that hold or are about to, the first to end first."""
        found = (_silence(one) for one in self._send("GET", "silences").json())
        return sorted((one for one in found if one.state != "expired"), key=lambda one: (one.ends_at, one.id))

    def like(self, matchers: Sequence[Matcher], comment: str) -> Iterator[Silence]:
        """Those with just these matchers and this comment."""
        return (one for one in self.silences() if one.comment == comment and set(one.matchers) == set(matchers))

    def silence(
        self, matchers: Sequence[Matcher], length: timedelta, comment: str, created_by: str, *, write: bool = True
    ) -> tuple[str, bool]:
        """Have a silence that holds for ``length`` from now on; one that is there is lengthened.

        Returns:
            its identifier (empty where it would be made), and whether something changed or, without ``write``, would.
        """
        now = datetime.now(UTC)
        known = next(self.like(matchers, comment), None)
        if known and known.state == "active" and known.ends_at >= now + length - _SLACK:
            return known.id, False
        if not write:
            return known.id if known else "", True
        # An active one whose start is another would end, and a second one begin.
        begin, identifier = (known.starts_at, known.id) if known else (now, "")
        wanted = Silence(tuple(matchers), comment, created_by, begin, now + length, identifier)
        return str(self._send("POST", "silences", json=wanted.plain()).json()["silenceID"]), True

    def expire(self, identifier: str) -> None:
        """End a silence now."""
        self._send("DELETE", f"silence/{identifier}")

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        with self._telling_silence():
            answer = self._http.request(method, f"api/v2/{path}", **options)
        if answer.is_success:
            return answer
        remedy = "mend what it names"
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            remedy = "the site's own user may do this: its password is among the site's secrets"
        what = f"{method} {path}: {answer.status_code} {answer.text.strip() or answer.reason_phrase}"
        raise AmalgamError(what, where=self.where, remedy=remedy)


def _silence(body: dict[str, Any]) -> Silence:
    matchers = (
        Matcher(one["name"], one["value"], is_regex=one["isRegex"], is_equal=one.get("isEqual", True))
        for one in body["matchers"]
    )
    return Silence(
        tuple(sorted(matchers)),
        body["comment"],
        body["createdBy"],
        datetime.fromisoformat(body["startsAt"]),
        datetime.fromisoformat(body["endsAt"]),
        body["id"],
        body["status"]["state"],
    )
