from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import accumulate

import pytest

from amalgam.capacity.forecast import DAY_S, MIN_DAYS, Forecast, Verdict, daily, forecast

START = 20_000 * DAY_S
SEEDS = range(200)
NOISE = 10.0
"""Standard deviation of a day, where days are drawn at random."""
LEVEL = 100.0
NEAR = LEVEL + 3 * NOISE
"""A limit that noise alone does not reach, but any trend that is seen in it does soon."""

Draw = Callable[[random.Random, int], list[float]]
"""Chance, number of days → what is drawn for each of them."""


def series(days: int, value: object, per_day: int = 24) -> list[tuple[float, float]]:
    step = DAY_S / per_day
    return [(START + index * step, value(index / per_day)) for index in range(days * per_day)]


def test_a_straight_line_names_the_day_it_runs_out() -> None:
    found = forecast(series(20, lambda day: 100 + 5 * day), limit=300)
    assert found.verdict is Verdict.RUNS_OUT
    assert found.per_day == pytest.approx(5)
    assert found.at == pytest.approx(START + 40 * DAY_S, abs=0.01 * DAY_S)


def noisy(seed: int, days: int, slope: float, noise: float) -> list[tuple[float, float]]:
    """What grows by ``slope`` a day, with a rhythm of the day, odd days and odd hours."""
    chance = random.Random(seed)
    odd = [chance.gauss(0, noise / 2) for _ in range(days)]

    def value(day: float) -> float:
        return 100 + slope * day + noise * math.sin(2 * math.pi * day) + odd[int(day)] + chance.gauss(0, noise)

    return series(days, value)


@pytest.mark.parametrize("seed", range(20))
def test_noise_and_working_days_move_the_day_by_little(seed: int) -> None:
    found = forecast(noisy(seed, 30, slope=5, noise=10), limit=100 + 5 * 60)
    assert found.verdict is Verdict.RUNS_OUT
    assert found.at == pytest.approx(START + 60 * DAY_S, abs=3 * DAY_S)


@pytest.mark.parametrize(("days", "slope", "noise"), [(30, 5, 10), (30, 5, 40), (14, 1, 3), (10, 8, 6), (7, 5, 2)])
def test_the_true_day_lies_in_the_range_as_often_as_said(days: int, slope: float, noise: float) -> None:
    said = [forecast(noisy(seed, days, slope, noise), limit=100 + slope * 2 * days) for seed in SEEDS]
    found = [one for one in said if one.verdict is Verdict.RUNS_OUT]
    assert len(found) >= 0.9 * len(said)
    # Nine in ten, less what chance does to 200 of them in one case of a hundred.
    assert right(found, START + 2 * days * DAY_S) >= 0.85


def right(found: list[Forecast], true: float) -> float:
    """Share of those in whose range the true time lies."""
    within = [one.not_before <= true and (one.not_after is None or true <= one.not_after) for one in found]
    return sum(within) / len(within)


def test_a_few_odd_days_do_not_bend_the_line() -> None:
    found = forecast(series(20, lambda day: 250.0 if 8 <= day < 10 else 100 + 5 * day), limit=300)
    assert found.at == pytest.approx(START + 40 * DAY_S, abs=2 * DAY_S)


def test_a_flat_series_has_no_day() -> None:
    assert forecast(series(30, lambda _: 100.0), limit=300).verdict is Verdict.NO_TREND


def test_noise_alone_gives_a_false_day_at_most_as_often_as_said() -> None:
    false = 0
    for seed in range(200):
        chance = random.Random(seed)
        points = series(20, lambda _, chance=chance: chance.gauss(100, 20), per_day=4)
        false += forecast(points, limit=130).verdict is Verdict.RUNS_OUT
    assert false <= 4


def by_day(values: list[float]) -> list[tuple[float, float]]:
    return [(START + (index + 0.5) * DAY_S, value) for index, value in enumerate(values)]


def hanging_together(rho: float) -> Draw:
    """Noise about a level in which a day takes ``rho`` of the one before with it, AR(1)."""

    def draw(chance: random.Random, days: int) -> list[float]:
        shocks = [chance.gauss(0, NOISE * math.sqrt(1 - rho**2)) for _ in range(days - 1)]
        return list(accumulate([chance.gauss(0, NOISE), *shocks], lambda before, shock: rho * before + shock))

    return draw


INDEPENDENT = hanging_together(0)


def random_walk(chance: random.Random, days: int) -> list[float]:
    return list(accumulate(chance.gauss(0, NOISE / 5) for _ in range(days)))


def stepping(third: int, height: float, noise: Draw) -> Draw:
    """One step up, in that third of the days."""

    def draw(chance: random.Random, days: int) -> list[float]:
        at = days * (2 * third - 1) // 6
        return [value + height * (index >= at) for index, value in enumerate(noise(chance, days))]

    return draw


def false_days(draw: Draw, days: int, limit: float) -> float:
    """Share of the series that are said to run out."""
    found = [forecast(by_day([LEVEL + one for one in draw(random.Random(seed), days)]), limit) for seed in SEEDS]
    return sum(one.verdict is Verdict.RUNS_OUT for one in found) / len(found)


@pytest.mark.parametrize("days", [8, 14, 30])
@pytest.mark.parametrize(
    ("draw", "most"),
    [
        pytest.param(INDEPENDENT, 0.01, id="independent"),
        pytest.param(hanging_together(0.7), 0.03, id="hanging together"),
        pytest.param(hanging_together(0.9), 0.05, id="hanging together closely"),
        # It does go somewhere: a month of it cannot be told from a trend.
        pytest.param(random_walk, 0.08, id="random walk"),
    ],
)
def test_days_that_hang_together_give_a_false_day_seldom(draw: Draw, most: float, days: int) -> None:
    assert false_days(draw, days, NEAR) <= most


@pytest.mark.parametrize("days", [8, 14, 30])
@pytest.mark.parametrize("noise", [INDEPENDENT, hanging_together(0.7)], ids=["independent", "hanging together"])
@pytest.mark.parametrize(("height", "most"), [(2 * NOISE, 0.07), (3 * NOISE, 0.05), (10 * NOISE, 0.01)])
@pytest.mark.parametrize("third", [1, 2, 3])
def test_a_step_amid_noise_gives_a_false_day_seldom(
    third: int, height: float, most: float, noise: Draw, days: int
) -> None:
    assert false_days(stepping(third, height, noise), days, NEAR + height) <= most


@pytest.mark.parametrize("height", [100.0, -50.0])
@pytest.mark.parametrize("at", range(1, 30))
def test_a_step_alone_is_no_trend(at: int, height: float) -> None:
    days = [LEVEL + height * (index >= at) for index in range(30)]
    assert forecast(by_day(days), limit=300).verdict is Verdict.NO_TREND


def growing(draw: Draw, days: int, rise: float) -> list[Forecast]:
    """What is said of series that grow so much in all these days, and reach the limit after as many more."""
    slope, limit = rise / days, LEVEL + 2 * rise
    drawn = [draw(random.Random(seed), days) for seed in SEEDS]
    return [
        forecast(by_day([LEVEL + slope * (index + 0.5) + one for index, one in enumerate(values)]), limit)
        for values in drawn
    ]


@pytest.mark.parametrize(
    ("rise", "days", "rho", "least"),
    [
        (20, 30, 0.9, 0.99),
        (20, 14, 0.7, 0.99),
        (20, 8, 0, 0.99),
        (10, 30, 0, 0.99),
        (10, 30, 0.7, 0.9),
        (10, 14, 0, 0.95),
        (10, 14, 0.7, 0.9),
        (10, 8, 0, 0.85),
        # What is lost for the false days that are not named.
        (6, 30, 0, 0.7),
    ],
)
def test_clear_growth_is_found(rise: int, days: int, rho: float, least: float) -> None:
    found = growing(hanging_together(rho), days, rise * NOISE)
    assert sum(one.verdict is Verdict.RUNS_OUT for one in found) / len(found) >= least


@pytest.mark.parametrize("days", [8, 14, 30])
@pytest.mark.parametrize(("rho", "least"), [(0, 0.88), (0.5, 0.83), (0.7, 0.78)])
def test_the_range_is_wider_where_days_hang_together(rho: float, least: float, days: int) -> None:
    found = growing(hanging_together(rho), days, 20 * NOISE)
    assert {one.verdict for one in found} == {Verdict.RUNS_OUT}
    assert right(found, START + 2 * days * DAY_S) >= least


def test_growth_that_quickens_is_found() -> None:
    found = forecast(series(14, lambda day: 100 + day**2), limit=500)
    assert found.verdict is Verdict.RUNS_OUT


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("days", [8, 14, 30])
def test_a_week_of_working_days_is_no_trend(days: int, first: int) -> None:
    found = forecast(by_day([150.0 if (index + first) % 7 < 5 else LEVEL for index in range(days)]), limit=300)
    assert found.verdict is Verdict.NO_TREND


@pytest.mark.parametrize("day", [lambda day: min(day, 15), lambda day: max(day - 15, 0)], ids=["ended", "began"])
def test_growth_in_one_half_of_the_days_names_none(day: Callable[[int], int]) -> None:
    assert forecast(by_day([LEVEL + 5 * day(index) for index in range(30)]), limit=400).at is None


def test_a_day_night_rhythm_is_no_trend() -> None:
    assert (
        forecast(series(14, lambda day: 100 + 50 * math.sin(2 * math.pi * day)), limit=300).verdict is Verdict.NO_TREND
    )


def test_a_short_series_has_no_day() -> None:
    assert forecast(series(MIN_DAYS - 1, lambda day: 100 + 20 * day), limit=300).verdict is Verdict.TOO_SHORT
    assert forecast([], limit=300).verdict is Verdict.TOO_SHORT


def test_the_fewest_days_that_are_enough_name_a_day() -> None:
    found = forecast(series(MIN_DAYS, lambda day: 100 + 20 * day), limit=300)
    assert found.at == pytest.approx(START + 10 * DAY_S, abs=0.01 * DAY_S)


def test_what_shrinks_does_not_run_out() -> None:
    found = forecast(series(20, lambda day: 200 - 5 * day), limit=300)
    assert found.verdict is Verdict.SHRINKS
    assert found.per_day == pytest.approx(-5)


def test_what_is_full_is_said_to_be() -> None:
    assert forecast(series(2, lambda _: 300.0), limit=300).verdict is Verdict.FULL


def test_no_day_is_named_that_lies_far_beyond_what_was_measured() -> None:
    assert forecast(series(10, lambda day: 100 + 0.1 * day), limit=300).verdict is Verdict.BEYOND_HORIZON


def test_gaps_and_broken_values_are_left_out() -> None:
    points = series(20, lambda day: math.nan if day < 1 else 100 + 5 * day)
    kept = [point for point in points if not 5 * DAY_S <= point[0] - START < 8 * DAY_S]
    assert forecast(kept, limit=300).at == pytest.approx(START + 40 * DAY_S, abs=0.01 * DAY_S)


def test_a_day_counts_by_its_means() -> None:
    assert daily([(START + 10, 1.0), (START + 20, 3.0), (START + DAY_S, 5.0)]) == [
        (START + 15, 2.0),
        (START + DAY_S, 5.0),
    ]
