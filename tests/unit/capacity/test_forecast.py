from __future__ import annotations

import math
import random

import pytest

from amalgam.capacity.forecast import DAY_S, MIN_DAYS, Verdict, daily, forecast

START = 20_000 * DAY_S


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
    true, found = START + 2 * days * DAY_S, []
    for seed in range(200):
        one = forecast(noisy(seed, days, slope, noise), limit=100 + slope * 2 * days)
        assert one.at is not None
        assert one.not_before is not None
        found.append(one.not_before <= true and (one.not_after is None or true <= one.not_after))
    # Nine in ten, less what chance does to 200 of them in one case of a hundred.
    assert sum(found) / len(found) >= 0.85


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
