"""A plot of one thing that can run out, as coordinates for an SVG: what was measured, the trend, the limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from amalgam.capacity.forecast import DAY_S, Forecast, Point, daily
from amalgam.capacity.report import Entry, day

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 6, 354, 16, 130
"""Between these lies what is drawn."""
_HEADROOM = 1.1
# More points than that nobody sees.
_POINTS = 180
_ANCHORS = ("start", "middle", "end")


@dataclass(frozen=True)
class Tick:
    """A day at the foot."""

    x: float
    text: str
    anchor: str
    """Which end of the text is at ``x``."""


@dataclass(frozen=True)
class Plot:
    """Points as SVG wants them: ``x,y x,y``."""

    measured: tuple[str, ...]
    """A line for each time without a gap."""
    trend: str
    """Empty where there is none."""
    range: str
    """Outline of where the trend likely is."""
    limit_y: float
    now_x: float
    ticks: tuple[Tick, ...]


def plot(entry: Entry, start: float, now: float) -> Plot:
    """Of what was measured between two times (s, Unix), and what is to come."""
    found = entry.forecast
    end = _end(found, start, now)
    top = max([entry.limit, *(value for _, value in entry.points)]) * _HEADROOM

    def at(point: Point) -> str:
        return f"{x(point[0]):.1f},{BOTTOM - (BOTTOM - TOP) * max(0.0, point[1]) / top:.1f}"

    def x(moment: float) -> float:
        return LEFT + (RIGHT - LEFT) * (moment - start) / (end - start)

    def line(points: Sequence[Point]) -> str:
        return " ".join(map(at, points))

    return Plot(
        measured=tuple(line(part) for part in _parts(entry.points)),
        trend=line(_trend(entry, start, end)),
        range=line(_range(entry, end)),
        limit_y=round(BOTTOM - (BOTTOM - TOP) / top * entry.limit, 1),
        now_x=round(x(now), 1),
        ticks=tuple(_ticks(start, end, x)),
    )


def _end(found: Forecast, start: float, now: float) -> float:
    """Far enough for what is foreseen, and not so far that what was measured is a dot."""
    if found.level is None:
        return now
    if found.at is None:
        return now + (now - start) / 4
    flattest = found.at if found.not_after is None else found.not_after
    return max(now, found.at, min(flattest, found.at + (now - start))) + DAY_S


def _parts(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Without its gaps, and with means in place of very many points."""
    if not points:
        return
    usual = min((right[0] - left[0] for left, right in pairwise(points)), default=0.0)
    stride = math.ceil(len(points) / _POINTS)
    part: list[Point] = []
    for point in points:
        if part and point[0] - part[-1][0] > 2.5 * usual:
            yield _means(part, stride)
            part = []
        part.append(point)
    yield _means(part, stride)


def _means(points: Sequence[Point], stride: int) -> list[Point]:
    groups = [points[first : first + stride] for first in range(0, len(points), stride)]
    means = [(fmean(at for at, _ in group), fmean(value for _, value in group)) for group in groups]
    # A single point is no line.
    return means if len(means) > 1 else [points[0], points[-1]]


def _trend(entry: Entry, start: float, end: float) -> list[Point]:
    found = entry.forecast
    if found.level is None:
        return []
    last = daily(entry.points)[-1][0]
    until = end if found.at is None else found.at
    first = max(start, entry.points[0][0])
    return [(moment, found.level + found.per_day * (moment - last) / DAY_S) for moment in (first, until)]


def _range(entry: Entry, end: float) -> list[Point]:
    """From the last day to the limit, along the steepest and the flattest line."""
    found = entry.forecast
    if found.level is None or found.not_before is None:
        return []
    last = (daily(entry.points)[-1][0], found.level)
    steep = (found.not_before, entry.limit)
    if found.not_after is not None and found.not_after <= end:
        return [last, steep, (found.not_after, entry.limit)]
    missing = entry.limit - found.level
    reached = 0.0 if found.not_after is None else missing * (end - last[0]) / (found.not_after - last[0])
    return [last, steep, (end, entry.limit), (end, found.level + reached)]


def _ticks(start: float, end: float, x: Callable[[float], float]) -> Iterator[Tick]:
    for index, anchor in enumerate(_ANCHORS):
        moment = start + (end - start) * index / (len(_ANCHORS) - 1)
        yield Tick(round(x(moment), 1), day(moment) or "", anchor)
