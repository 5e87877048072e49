"""A Prometheus that answers as one of version 2.42 did: its answers were recorded, by the question."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qs

import httpx

from amalgam.monitoring.credentials import Credentials
from amalgam.monitoring.prometheus import Prometheus
from amalgam.paths import project_root

OWN = Credentials(url="https://monitoring.example:8445", user="alice", password="secret-canary", ca_certificate="PEM")
_FILE = project_root() / "tests" / "fixtures" / "monitoring" / "top.json"


class Recorded:
    """The answers, which a test may change."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = copy.deepcopy(json.loads(_FILE.read_text(encoding="utf-8")))
        self.asked: list[str] = []
        self.away = False

    def client(self) -> Prometheus:
        """A connection to it."""
        return Prometheus(OWN, transport=httpx.MockTransport(self._answer))

    def series(self, query: str) -> list[dict[str, Any]]:
        """Those that are answered to the one question with these words in it."""
        (found,) = (answer for asked, answer in self.answers.items() if query in asked)
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("no route")
        (query,) = parse_qs(request.content.decode())["query"]
        self.asked.append(query)
        return httpx.Response(200, json=self.answers[query])
