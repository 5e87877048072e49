"""When something that grows runs out, by a straight line through what was measured; or why that cannot be said.

The line is Theil and Sen's (the median of all slopes between two points), which a few odd days do not bend, and the
trend is believed when Mann and Kendall's test is sure of it (https://www.itl.nist.gov/div898/software/dataplot/refman1/auxillar/kend_tau.htm)
and the line fits the days clearly better than a single step from one level to another.

The test takes the days for independent, and days of use are not: a busy one follows a busy one. It is then sure of
much that only wanders, and of most steps. So the line must hold its own against a step (Beaulieu and Killick, 2018,
choose between trend, step and autocorrelation), and the range of its slope is that of the fewer independent days which
those measured are worth (Hamed and Rao, 1998). Their correction is not made to the test itself: it would no longer be
sure of growth along a smooth curve, where the days lie above a line and below it by turns for long.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
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
"""Of the standard normal distribution: one false alarm in a hundred, where days are independent."""
_OF_A_STEP = 0.9
"""How far the line may be from the days: at most this part of how far the best step is.

Chosen by simulation: at 1, a third more random walks pass for growth; at 0.8, half of what grows by six times its noise
in a month is missed.
"""

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

    The error of the date on a straight line with noise: within ``not_before`` and ``not_after`` in nine cases of ten
    where the days are independent, in eight where their autocorrelation is 0.7.

    Where nothing grows, a date is named in one case of twenty at most, be the days independent or autocorrelated (0.9);
    in one of fourteen where they are a random walk, or have a step amid them of no more than a few times their noise.
    Measured by the tests.

    Args:
        points: in their order; those that are no number are left out.
        limit: what there is of it.
    """
    days = daily([point for point in points if math.isfinite(point[1])])
    if days and days[-1][1] >= limit:
        return Forecast(Verdict.FULL)
    if len(days) < MIN_DAYS:
        return Forecast(Verdict.TOO_SHORT)
    slopes = sorted((right[1] - left[1]) / (right[0] - left[0]) for left, right in combinations(days, 2))
    slope = median(slopes)
    if slope == 0 or abs(_kendall_z(days)) < _SURE or not _is_a_line(days, slope):
        return Forecast(Verdict.NO_TREND)
    level = _level(days, slope)
    if slope < 0:
        return Forecast(Verdict.SHRINKS, per_day=slope * DAY_S, level=level)
    low, high = _slope_range(slopes, days, slope)
    at = _meets(days, slope, limit)
    if at - days[-1][0] > HORIZON_FACTOR * (days[-1][0] - days[0][0]):
        return Forecast(Verdict.BEYOND_HORIZON, per_day=slope * DAY_S, level=level)
    not_after = _meets(days, low, limit) if low > 0 else None
    return Forecast(Verdict.RUNS_OUT, slope * DAY_S, at, _meets(days, high, limit), not_after, level)


def _level(days: Sequence[Point], slope: float) -> float:
    """Where the line with this slope is at the last day: as many days lie above it as below."""
    return median(_without(days, slope))


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


def _is_a_line(days: Sequence[Point], slope: float) -> bool:
    """Whether the line with this slope is clearly closer to the days than any step from one level to another.

    Distances are added up, and not their squares: a few odd days do not decide.
    """
    values = [value for _, value in days]
    step = min(_miss(values[:at]) + _miss(values[at:]) for at in range(1, len(values)))
    return _miss(_without(days, slope)) < _OF_A_STEP * step


def _without(days: Sequence[Point], slope: float) -> list[float]:
    """What is left of the days where the rise is taken away."""
    return [value - slope * (at - days[-1][0]) for at, value in days]


def _miss(values: Sequence[float]) -> float:
    """How far they are, all together, from a level in their midst."""
    level = median(values)
    return sum(abs(value - level) for value in values)


def _slope_range(slopes: Sequence[float], days: Sequence[Point], slope: float) -> tuple[float, float]:
    """Between which slopes the true one lies in nine cases of ten (Sen, 1968)."""
    count = len(days)
    inflation = _inflation(count, _autocorrelation(_without(days, slope)))
    spread = 1.645 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18 * inflation)
    low = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return slopes[low], slopes[high]


def _inflation(count: int, autocorrelation: float) -> float:
    """By how much the variance grows where the ranks of following days are alike (Hamed and Rao, 1998)."""
    terms = ((count - lag) * (count - lag - 1) * (count - lag - 2) * autocorrelation**lag for lag in range(1, count))
    return 1 + 2 * sum(terms) / (count * (count - 1) * (count - 2))


def _autocorrelation(values: Sequence[float]) -> float:
    """Of the ranks of values from which a line was taken away, between 0 and 1.

    That makes it look smaller, and more so the fewer they are: corrected by van Giersbergen (2005), as Hamed (2009) has
    it.
    """
    ordered, count = sorted(values), len(values)
    # From the middle; those that are equal share theirs.
    ranks = [bisect_left(ordered, value) + bisect_right(ordered, value) - count for value in values]
    whole = sum(rank**2 for rank in ranks)
    seen = sum(left * right for left, right in pairwise(ranks)) / whole if whole else 0.0
    return min(max((count * seen + 2) / (count - 4), 0.0), 1.0)
