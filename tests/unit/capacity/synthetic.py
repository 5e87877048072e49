"""A Prometheus that answers the report's questions with series that follow a rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

from amalgam.capacity.forecast import DAY_S
from amalgam.capacity.measures import MEASURES, Measure, Scope
from amalgam.monitoring.credentials import Credentials
from amalgam.monitoring.prometheus import Prometheus

NOW = 21_000 * DAY_S + 12 * 3600.0
OWN = Credentials(url="https://monitoring.example:8445", user="alice", password="secret-canary", ca_certificate="PEM")
GIB = 1024.0**3

Rule = Callable[[float], float]
"""Days since now (negative before it) → value."""


def measure(scope: Scope, start_of_limit: str) -> Measure:
    """The one whose limit is asked for so."""
    (found,) = (one for one in MEASURES if one.scope is scope and one.limit.startswith(start_of_limit))
    return found


MEMORY = measure(Scope.NODE, "node:memory_total:bytes")
FILES = measure(Scope.NODE, "node:filesystem_used:bytes")
STORAGE = measure(Scope.CLUSTER, "cluster:storage_total:bytes")
CHIPS = measure(Scope.CLUSTER, "cluster:chips_allocatable")
PODS = measure(Scope.VC, 'vc:quota_hard{resource=~"pods')


@dataclass
class Synthetic:
    """What it has; and what it was asked for."""

    nodes: tuple[str, ...] = ("gpu1",)
    series: list[tuple[Measure, dict[str, str], float, Rule]] = field(default_factory=list)
    """Measure, labels, limit, use."""
    asked: list[dict[str, str]] = field(default_factory=list)

    def add(self, measured: Measure, limit: float, rule: Rule, **labels: str) -> None:
        """One more."""
        self.series.append((measured, labels, limit, rule))

    def client(self) -> Prometheus:
        """A connection to it."""
        return Prometheus(OWN, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == httpx.BasicAuth(OWN.user, OWN.password)._auth_header
        asked = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.asked.append(asked)
        kind = "matrix" if request.url.path.endswith("query_range") else "vector"
        found = list(self._found(asked))
        return httpx.Response(200, json={"status": "success", "data": {"resultType": kind, "result": found}})

    def _found(self, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
        query = asked["query"]
        if query.startswith("group by (node)"):
            yield from ({"metric": {"node": name}, "value": [NOW, "1"]} for name in self.nodes)
        for measured, labels, limit, rule in self.series:
            if query == measured.limit:
                yield {"metric": {"__name__": "recorded", **labels}, "value": [NOW, str(limit)]}
            elif _is_use(query, measured) and "step" in asked:
                yield {"metric": labels, "values": list(_values(asked, rule))}
            elif _is_use(query, measured):
                yield {"metric": labels, "value": [NOW, str(rule(0.0))]}


def _is_use(query: str, measured: Measure) -> bool:
    first, _, rest = measured.used.partition("WINDOW")
    return query.startswith(first) and query.endswith(rest.split("WINDOW")[-1])


def _values(asked: dict[str, str], rule: Rule) -> Iterator[list[object]]:
    start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
    for index in range(int((end - start) / step) + 1):
        moment = start + index * step
        yield [moment, str(rule((moment - NOW) / DAY_S))]


def usual() -> Synthetic:
    """Storage that runs out in ten days, memory that does not, chips that are all asked for, a VC with room."""
    made = Synthetic(nodes=("gpu1", "stor1"))
    made.add(STORAGE, 1000 * GIB, lambda days: (900 + 10 * days + math.sin(2 * math.pi * days)) * GIB)
    made.add(MEMORY, 64 * GIB, lambda _: 16 * GIB, node="gpu1")
    made.add(FILES, 100 * GIB, lambda _: 75 * GIB, node="gpu1", mountpoint="/")
    made.add(CHIPS, 8, lambda _: 8, resource="nvidia_com_gpu")
    made.add(PODS, 50, lambda _: 2, vc="vision", resource="pods")
    return made
