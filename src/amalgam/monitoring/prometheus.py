"""The site's Prometheus, asked through the web server before it.

https://prometheus.io/docs/prometheus/2.42/querying/api/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from amalgam.connection import Connection
from amalgam.errors import AmalgamError
from amalgam.monitoring.credentials import Credentials

Point = tuple[float, float]
"""Time (s, Unix), value."""

_SECONDS = 120.0
"""As long as Prometheus itself takes at the most for a query."""


@dataclass(frozen=True)
class Sample:
    """A series at one moment."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Series:
    """A series over a time."""

    labels: dict[str, str]
    points: tuple[Point, ...]


class Prometheus(Connection):
    """Prometheus, asked as one of the site's people."""

    service = "Prometheus"
    on_silence = "see that this machine reaches it, and `systemctl status nginx` on the management host"

    def __init__(self, credentials: Credentials, *, transport: httpx.BaseTransport | None = None) -> None:
        """Connect when first asked."""
        url = f"{credentials.url}/prometheus/api/v1/"
        super().__init__(url, credentials.account, where=credentials.url, seconds=_SECONDS, transport=transport)

    def query(self, expression: str) -> list[Sample]:
        """The series that an expression gives now; none where there are none.

        Raises:
            AmalgamError: the expression is none, it is not allowed, or Prometheus does not answer.
        """
        found = self._asked("query", "vector", {"query": expression})
        return [Sample(one["metric"], float(one["value"][1])) for one in found]

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> list[Series]:
        """What an expression gave every ``step`` seconds between two times (s, Unix).

        Raises:
            AmalgamError: as :meth:`query`.
        """
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        found = self._asked("query_range", "matrix", {"query": expression, **times})
        return [Series(one["metric"], tuple((float(at), float(value)) for at, value in one["values"])) for one in found]

    def nodes(self) -> list[str]:
        """Names of the hosts that are to be measured, whether they answer or not.

        Raises:
            AmalgamError: there are none yet, or as :meth:`query`.
        """
        names = sorted(one.labels["node"] for one in self.query('group by (node) (up{node!=""})'))
        if not names:
            raise AmalgamError(
                "nothing has been measured yet",
                where=self.where,
                remedy="wait a minute after the first run with the layer monitoring; then look at the page's targets",
            )
        return names

    def _asked(self, path: str, kind: str, arguments: dict[str, str]) -> list[dict[str, Any]]:
        with self._telling_silence():
            answer = self._http.post(path, data=arguments)
        body = answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else {}
        if answer.is_error or body.get("status") != "success":
            raise self._refusal(answer, str(body.get("error", "")))
        data = body["data"]
        if data["resultType"] != kind:
            raise AmalgamError(
                f"{arguments['query']} gives no series, but a {data['resultType']}",
                where=self.where,
                remedy="ask for series",
            )
        found: list[dict[str, Any]] = data["result"]
        return found

    def _refusal(self, answer: httpx.Response, reason: str) -> AmalgamError:
        where = self.where
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return AmalgamError(
                f"the web server does not know {self.user} by this password",
                where=where,
                remedy="a new password holds from the site's next run on; else ask the platform's administrator",
            )
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
            remedy = "correct the query; where many series are asked for, ask for fewer days"
            return AmalgamError(f"Prometheus refuses the query: {reason}", where=where, remedy=remedy)
        remedy = "see `journalctl -u prometheus -u nginx` on the management host"
        return AmalgamError(f"Prometheus answers {answer.status_code} {reason}".rstrip(), where=where, remedy=remedy)
