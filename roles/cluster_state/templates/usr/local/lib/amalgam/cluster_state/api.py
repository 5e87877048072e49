"""The part of the Kubernetes API that is needed here: list and watch, from whichever API server answers."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Object = dict[str, Any]

# Objects in one answer to a list: bounds memory, here and on the server.
PAGE = 500
# The server ends a watch after this time, so that a silent one is known to be alive.
WATCH_SECONDS = 120
_ANSWER_SECONDS = 30
_CONNECT_SECONDS = 5
_LONGEST_REFUSAL = 2048
_PIECE = 1 << 16
_EXPIRED = 410


class ApiError(Exception):
    """The API server refuses, or there is none that answers."""


class ExpiredError(ApiError):
    """What was asked for lies further back than the server remembers: list again."""


@dataclass(frozen=True)
class Page:
    """Some of the objects of a list."""

    items: list[Object]
    position: str
    """Where a watch goes on from; the same for every page of a list."""


class Api:
    """The API servers of a cluster; the one that answered last is asked first."""

    def __init__(self, servers: tuple[tuple[str, int], ...], ca_file: Path, token_file: Path) -> None:
        """Verify every server by ``ca_file``; the token is read anew for every request, since it may be changed."""
        self._servers = servers
        self._current = 0
        self._token_file = token_file
        self._context = ssl.create_default_context(cafile=str(ca_file))

    def list(self, path: str) -> Iterator[Page]:
        """All objects of a kind, in pages.

        Raises:
            ApiError: it cannot be had.
        """
        more = ""
        while True:
            with self._get(path, {"limit": PAGE, "continue": more}, _ANSWER_SECONDS) as response:
                content = _parsed(_read(response.read))
            yield Page(content.get("items") or [], content["metadata"]["resourceVersion"])
            if not (more := content["metadata"].get("continue", "")):
                return

    def watch(self, path: str, position: str) -> Iterator[Object]:
        """Changes since ``position`` as they happen, until the server ends it.

        Raises:
            ApiError: it cannot be had.
        """
        asked = {
            "watch": 1,
            "resourceVersion": position,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": WATCH_SECONDS,
        }
        with self._get(path, asked, WATCH_SECONDS + _ANSWER_SECONDS) as response:
            for line in _lines(response):
                change = _parsed(line)
                if change["type"] == "ERROR":
                    raise _refusal(change["object"].get("code", 0), change["object"].get("message", ""))
                yield change

    def _get(self, path: str, parameters: Object, seconds: int) -> http.client.HTTPResponse:
        asked = self._current
        try:
            response = self._request(self._servers[asked], f"{path}?{urlencode(parameters)}", seconds)
        except (OSError, http.client.HTTPException) as error:
            self._turn_from(asked)
            raise ApiError(f"{self._servers[asked][0]}: {error!r}") from error
        if response.status == http.client.OK:
            return response
        with response:
            if response.status >= http.client.INTERNAL_SERVER_ERROR:
                self._turn_from(asked)
            raise _refusal(response.status, response.read(_LONGEST_REFUSAL).decode(errors="replace"))

    def _request(self, server: tuple[str, int], target: str, seconds: int) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(*server, timeout=_CONNECT_SECONDS, context=self._context)
        try:
            connection.connect()
            _notice_a_dead_peer(connection.sock)
            connection.sock.settimeout(seconds)
            headers = {
                "Authorization": f"Bearer {self._token_file.read_text(encoding='ascii').strip()}",
                "Accept": "application/json",
                "User-Agent": "cluster-state",
                # The connection is the response's, and ends with it.
                "Connection": "close",
            }
            connection.request("GET", target, headers=headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _turn_from(self, asked: int) -> None:
        # Another thread may have turned already.
        if self._current == asked:
            self._current = (asked + 1) % len(self._servers)


def _notice_a_dead_peer(connection: socket.socket) -> None:
    """Within half a minute, though a watch sends nothing."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _read(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except (OSError, http.client.HTTPException) as error:
        raise ApiError(f"an answer broke off: {error!r}") from error


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Lines as they come. ``readline`` would take an answer that breaks off for one that ends."""
    rest = b""
    while piece := _read(lambda: response.read1(_PIECE)):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _parsed(content: bytes) -> Object:
    try:
        parsed: Object = json.loads(content)
    except ValueError as error:
        raise ApiError(f"an answer is no JSON: {error}") from error
    return parsed


def _refusal(code: int, message: str) -> ApiError:
    return ExpiredError(message) if code == _EXPIRED else ApiError(f"refused with {code}: {message.strip()}")
