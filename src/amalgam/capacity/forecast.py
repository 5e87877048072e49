"""When something that grows runs out, by a straight line through what was measured; or why that cannot be said.

The line is Theil and Sen's (the median of all slopes between two points), which a few odd days do not bend, and the
trend is believed when Mann and Kendall's test is sure of it (https://www.itl.nist.gov/div898/software/dataplot/refman1/auxillar/kend_tau.htm).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import fmean, median

DAY_S = 86400
MIN_DAYS = 6
"""Of fewer days the test is sure of nothing, not even of a straight line."""
HORIZON_FACTOR = 4
"""No date is given that lies further ahead than this many times the days that were measured."""
_SURE = 2.58
"""Of the standard normal distribution: one false alarm in a hundred."""

Point = tuple[float, float]
"""Time (s, Unix), value."""


class Verdict(StrEnum):
    """What can be said."""

    RUNS_OUT = "runs out"
    FULL = "full"
    NO_TREND = "no trend"
    SHRINKS = "shrinks"
    BEYOND_HORIZON = "beyond the horizon"
    TOO_SHORT = "too few days measured"


@dataclass(frozen=True)
class Forecast:
    """How something goes on."""

    verdict: Verdict
    per_day: float = 0.0
    """Slope of the line, in units of the value; 0 where there is none to be believed."""
    at: float | None = None
    """When the line meets the limit (s, Unix)."""
    not_before: float | None = None
    not_after: float | None = None
    """When it does with the steepest and the flattest line that are likely; with the latter maybe never (None)."""
    level: float | None = None
    """Where the line is at the mean time of the last day measured; None where there is no line to be believed."""


def daily(points: Sequence[Point]) -> list[Point]:
    """Every day that has values by their means: what goes up and down within a day is no trend."""
    days: dict[int, list[Point]] = {}
    for point in points:
        days.setdefault(int(point[0] // DAY_S), []).append(point)
    return [(fmean(at for at, _ in day), fmean(value for _, value in day)) for _, day in sorted(days.items())]


def forecast(points: Sequence[Point], limit: float) -> Forecast:
    """When the series reaches ``limit`` (in the values' unit).

    The error of the date on a straight line with noise: within ``not_before`` and ``not_after`` in nine cases of ten.
    """
    days = daily([point for point in points if math.isfinite(point[1])])
    if days and days[-1][1] >= limit:
        return Forecast(Verdict.FULL)
    if len(days) < MIN_DAYS:
        return Forecast(Verdict.TOO_SHORT)
    slopes = sorted((right[1] - left[1]) / (right[0] - left[0]) for left, right in combinations(days, 2))
    slope = median(slopes)
    if slope == 0 or abs(_kendall_z(days)) < _SURE:
        return Forecast(Verdict.NO_TREND)
    level = _level(days, slope)
    if slope < 0:
        return Forecast(Verdict.SHRINKS, per_day=slope * DAY_S, level=level)
    low, high = _slope_range(slopes, len(days))
    at = _meets(days, slope, limit)
    if at - days[-1][0] > HORIZON_FACTOR * (days[-1][0] - days[0][0]):
        return Forecast(Verdict.BEYOND_HORIZON, per_day=slope * DAY_S, level=level)
    not_after = _meets(days, low, limit) if low > 0 else None
    return Forecast(Verdict.RUNS_OUT, slope * DAY_S, at, _meets(days, high, limit), not_after, level)


def _level(days: Sequence[Point], slope: float) -> float:
    """Where the line with this slope is at the last day: as many days lie above it as below."""
    return median(value - slope * (at - days[-1][0]) for at, value in days)


def _meets(days: Sequence[Point], slope: float, limit: float) -> float:
    """When the rising line with this slope meets the limit. It turns about the middle of the days, not the last."""
    return days[-1][0] + max(limit - _level(days, slope), 0.0) / slope


def _kendall_z(days: Sequence[Point]) -> float:
    """How many standard deviations the number of rising pairs is away from that of a series without trend."""
    score = sum((right[1] > left[1]) - (right[1] < left[1]) for left, right in combinations(days, 2))
    variance = _variance(len(days), [value for _, value in days])
    return 0.0 if variance <= 0 else (score - math.copysign(1, score)) / math.sqrt(variance) if score else 0.0


def _variance(count: int, values: Sequence[float]) -> float:
    def term(size: int) -> float:
        return size * (size - 1) * (2 * size + 5)

    ordered = sorted(values)
    ties, run = 0.0, 1
    for left, right in pairwise([*ordered, math.inf]):
        if left == right:
            run += 1
        else:
            ties, run = ties + term(run), 1
    return (term(count) - ties) / 18


def _slope_range(slopes: Sequence[float], days: int) -> tuple[float, float]:
    """Between which slopes the true one lies in nine cases of ten (Sen, 1968)."""
    spread = 1.645 * math.sqrt(days * (days - 1) * (2 * days + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return slopes[low], slopes[high]
