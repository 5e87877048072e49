"""Amounts, trends and forecasts in the words that people read, in a terminal as on a page."""

from __future__ import annotations

from amalgam.capacity.forecast import DAY_S, HORIZON_FACTOR, MIN_DAYS, Verdict
from amalgam.capacity.measures import Scope, Unit
from amalgam.capacity.report import Entry, day
from amalgam.monitoring.words import in_bytes


def amount(unit: Unit, value: float) -> str:
    """``1.5 TiB``, ``3.2`` cores, ``8`` chips."""
    if unit is Unit.BYTES:
        return in_bytes(value)
    if value == round(value) and (unit is Unit.COUNT or not value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.1 else f"{value:.1g}"


def owner(entry: Entry) -> str:
    """Whose it is."""
    return {Scope.CLUSTER: "cluster", Scope.VC: f"VC {entry.owner}", Scope.NODE: entry.owner}[entry.scope]


def trend(entry: Entry) -> str:
    """What comes to it in a day, where that is known."""
    per_day = entry.forecast.per_day
    if entry.forecast.level is None:
        return ""
    return f"{'+' if per_day > 0 else '-'}{amount(entry.unit, abs(per_day))}"


def outlook(entry: Entry, days: int) -> str:
    """The day it runs out with its likely range, or why none is named; ``days`` were looked at."""
    if entry.full:
        return "full"
    found = entry.forecast
    if found.at is None:
        return {
            Verdict.NO_TREND: "no trend that is sure",
            Verdict.SHRINKS: "gets less",
            Verdict.BEYOND_HORIZON: f"not within {_horizon_days(entry)} days",
            Verdict.TOO_SHORT: f"too few days measured: {_measured_days(entry)} of {MIN_DAYS} needed"
            if days >= MIN_DAYS
            else f"{MIN_DAYS} days are needed, and {days} looked at",
        }[found.verdict]
    named, first, last = day(found.at), day(found.not_before), day(found.not_after)
    if first == last:
        return f"{named}"
    return f"{named} ({first} {f'to {last}' if last else 'or later'})"


def _measured_days(entry: Entry) -> int:
    return len({point[0] // DAY_S for point in entry.points})


def _horizon_days(entry: Entry) -> int:
    return int(HORIZON_FACTOR * (entry.points[-1][0] - entry.points[0][0]) / DAY_S)
