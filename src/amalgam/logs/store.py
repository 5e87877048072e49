"""The site's store of logs, asked through the web server that knows who may see what.

https://docs.victoriametrics.com/victorialogs/querying/
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from amalgam.connection import Connection, UnreachableError
from amalgam.errors import AmalgamError
from amalgam.logs.query import Search
from amalgam.monitoring.credentials import Credentials

Line = dict[str, str]
"""A line's fields. ``_msg`` is what was printed, ``_time`` when."""

_SECONDS = 60.0
# The store hands a line on when it is so old, so that late ones come in order.
_DELAY_SECONDS = 2
# How far a tail that broke off goes back, and how many lines it knows again.
_OVERLAP_SECONDS = 15
_REMEMBERED = 20_000


class LogStore(Connection):
    """The store, asked as one of the site's people."""

    service = "the store of logs"
    on_silence = "see that this machine reaches it; where it does, say less time with --since"

    def __init__(self, credentials: Credentials, vc: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        """Connect when first asked: for all lines, which an administrator may see, or for those of one ``vc``."""
        self._vc = vc
        url = f"{credentials.url}/logs{f'/vc/{vc}' if vc else ''}/select/logsql/"
        super().__init__(url, credentials.account, where=credentials.url, seconds=_SECONDS, transport=transport)

    def search(self, search: Search, *, since: datetime, until: datetime, limit: int) -> list[Line]:
        """The last ``limit`` lines that are found, in the order of their times.

        Raises:
            AmalgamError: the query is none, it is not allowed, or the store does not answer.
        """
        times = {"start": since.isoformat(), "end": until.isoformat(), "limit": str(limit)}
        with self._asked("query", {**_arguments(search), **times}) as answer:
            lines = list(_lines(answer))
        return sorted(lines, key=lambda line: line.get("_time", ""))

    def tail(self, search: Search, *, seconds: int) -> Iterator[Line]:
        """The lines of the last ``seconds``, and then every further one as it comes. It ends with an error only.

        A web server ends a connection on which nothing was said for a while: then the tail goes on with a new one, and
        says no line twice.

        Raises:
            AmalgamError: the query is none, it is not allowed, or the store does not answer.
        """
        told: deque[str] = deque(maxlen=_REMEMBERED)
        back = seconds
        while True:
            known = set(told)
            arguments = {**_arguments(search), "start_offset": f"{back}s", "offset": f"{_DELAY_SECONDS}s"}
            try:
                with self._asked("tail", arguments) as answer:
                    for line in _lines(answer):
                        mark = json.dumps(line, sort_keys=True)
                        if mark not in known:
                            told.append(mark)
                            yield line
            except UnreachableError as error:
                if not isinstance(error.__cause__, httpx.ReadTimeout | httpx.RemoteProtocolError):
                    raise
            back = _OVERLAP_SECONDS

    @contextmanager
    def _asked(self, path: str, arguments: dict[str, str | list[str]]) -> Iterator[httpx.Response]:
        # Long silence is usual in a tail, and its end is seen to above.
        timeout = httpx.Timeout(_SECONDS, read=None if path == "tail" else _SECONDS)
        with (
            self._telling_silence(),
            self._http.stream("POST", path, data=arguments, timeout=timeout) as answer,
        ):
            if answer.is_error:
                answer.read()
                raise self._refusal(answer)
            yield answer

    def _refusal(self, answer: httpx.Response) -> AmalgamError:
        where, user = self.where, self.user
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            what = f"the logs of {self._vc}" if self._vc else "the logs of the whole site"
            remedy = "ask the platform's administrator" if self._vc else "name a VC that you are a member of: --vc NAME"
            return AmalgamError(f"{user} may not see {what}", where=where, remedy=remedy)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            remedy = "correct what --logsql says, or leave it out for a plain search"
            return AmalgamError(f"the store does not understand the query: {answer.text.strip()}", remedy=remedy)
        remedy = "see `journalctl -u victoria-logs -u nginx` on the management host"
        return AmalgamError(f"the store of logs answers {answer.status_code}", where=where, remedy=remedy)


def _arguments(search: Search) -> dict[str, str | list[str]]:
    return {"query": search.query, "extra_filters": search.filters}


def _lines(answer: httpx.Response) -> Iterator[Line]:
    return (json.loads(text) for text in answer.iter_lines() if text)
