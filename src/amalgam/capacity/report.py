"""How full everything is, and when it will be: put together from what Prometheus has."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from amalgam.capacity.forecast import DAY_S, Forecast, Point, Verdict, forecast
from amalgam.capacity.measures import MEASURES, OWNER, Measure, Scope, Unit
from amalgam.monitoring.prometheus import Prometheus

_POINTS = 720
"""Of a series at the most: one an hour for thirty days."""
_SHORTEST_STEP_S = 300
_NOW = "5m"

_Key = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Entry:
    """One thing that can run out."""

    scope: Scope
    owner: str
    """Name of the node or VC; ``cluster`` for what is all of it."""
    resource: str
    unit: Unit
    used: float
    limit: float
    points: tuple[Point, ...]
    forecast: Forecast

    @property
    def share(self) -> float:
        """Used of the limit."""
        return self.used / self.limit

    @property
    def full(self) -> bool:
        """Whether nothing is left."""
        return self.forecast.verdict is Verdict.FULL or self.used >= self.limit

    def runs_out_before(self, moment: float) -> bool:
        """Whether it is likely full by then (s, Unix)."""
        return self.full or (self.forecast.at is not None and self.forecast.at <= moment)

    def facts(self) -> dict[str, Any]:
        """Plain data, for machines; dates where there are any."""
        return {
            "scope": self.scope.value,
            "name": self.owner,
            "resource": self.resource,
            "unit": self.unit.value,
            "used": self.used,
            "limit": self.limit,
            "share": self.share,
            "trend_per_day": self.forecast.per_day,
            "verdict": Verdict.FULL.value if self.full else self.forecast.verdict.value,
            "runs_out": day(self.forecast.at),
            "not_before": day(self.forecast.not_before),
            "not_after": day(self.forecast.not_after),
        }


@dataclass(frozen=True)
class Report:
    """All of it at one moment."""

    at: float
    days: int
    """That were looked at."""
    entries: tuple[Entry, ...]
    silent: tuple[str, ...]
    """Hosts of which nothing is known now."""

    def of(self, scope: Scope) -> dict[str, list[Entry]]:
        """Owner → what is its own."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.scope is scope:
                found.setdefault(entry.owner, []).append(entry)
        return found

    def pressing(self, days: int) -> list[Entry]:
        """What is full, or runs out within so many days."""
        return [entry for entry in self.entries if entry.runs_out_before(self.at + days * DAY_S)]

    def bottlenecks(self) -> list[Entry]:
        """What is fullest today: of the cluster, of each VC, and of all hosts."""
        vcs = [_fullest(entries) for entries in self.of(Scope.VC).values()]
        hosts = [entry for entries in self.of(Scope.NODE).values() for entry in entries]
        cluster = [entry for entries in self.of(Scope.CLUSTER).values() for entry in entries]
        return [_fullest(entries) for entries in (cluster, hosts) if entries] + vcs

    def facts(self, warn_days: int) -> dict[str, Any]:
        """Plain data, for machines."""
        return {
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds"),
            "days": self.days,
            "warn_days": warn_days,
            "entries": [entry.facts() for entry in self.entries],
            "bottlenecks": [_named(entry) for entry in self.bottlenecks()],
            "pressing": [_named(entry) for entry in self.pressing(warn_days)],
            "silent": list(self.silent),
        }


def day(moment: float | None) -> str | None:
    """The day (UTC) in which a time lies."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()


def make_report(prometheus: Prometheus, *, days: int, now: float) -> Report:
    """Ask for everything.

    Args:
        prometheus: who is asked.
        days: how far back to look.
        now: the time (s, Unix).

    Raises:
        AmalgamError: Prometheus does not answer, or has measured nothing yet.
    """
    nodes = prometheus.nodes()
    entries = [entry for measure in MEASURES for entry in _entries(prometheus, measure, days, now)]
    order = list(Scope)
    entries.sort(key=lambda entry: (order.index(entry.scope), entry.owner))
    known = {entry.owner for entry in entries if entry.scope is Scope.NODE}
    return Report(now, days, tuple(entries), tuple(name for name in nodes if name not in known))


def _entries(prometheus: Prometheus, measure: Measure, days: int, now: float) -> Iterable[Entry]:
    """One for each that there is now; what has gone is of no interest, and what nobody measures has no limit."""
    step = max(_SHORTEST_STEP_S, days * DAY_S / _POINTS)
    limits = [one for one in prometheus.query(measure.limit) if math.isfinite(one.value) and one.value > 0]
    if not limits:
        return
    used = {_key(one.labels): one.value for one in prometheus.query(measure.used.replace("WINDOW", _NOW))}
    past = prometheus.query_range(
        measure.used.replace("WINDOW", f"{step:.0f}s"), start=now - days * DAY_S, end=now, step=step
    )
    points = {_key(one.labels): tuple(point for point in one.points if math.isfinite(point[1])) for one in past}
    for limit in sorted(limits, key=lambda one: measure.name(one.labels)):
        key = _key(limit.labels)
        if math.isfinite(value := used.get(key, math.nan)):
            yield Entry(
                scope=measure.scope,
                owner=limit.labels.get(OWNER[measure.scope], Scope.CLUSTER.value),
                resource=measure.name(limit.labels),
                unit=measure.unit,
                used=value,
                limit=limit.value,
                points=points.get(key, ()),
                forecast=forecast(points.get(key, ()), limit.value),
            )


def _key(labels: dict[str, str]) -> _Key:
    """How a limit and what is used of it find each other; recorded series keep their own names in some answers."""
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def _fullest(entries: Iterable[Entry]) -> Entry:
    return max(entries, key=lambda entry: entry.share)


def _named(entry: Entry) -> dict[str, Any]:
    return {"scope": entry.scope.value, "name": entry.owner, "resource": entry.resource, "share": entry.share}
