from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from amalgam.errors import AmalgamError
from amalgam.logs.times import moment

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_so_long_ago(text: str, ago: timedelta) -> None:
    assert moment(text, NOW) == NOW - ago


def test_a_date_with_a_zone_is_that_moment() -> None:
    assert moment("2030-01-31T13:00:00+01:00", NOW) == NOW


def test_a_date_without_a_zone_is_in_that_of_this_machine() -> None:
    assert moment("2030-01-31", NOW) == datetime(2030, 1, 31).astimezone()


@pytest.mark.parametrize("text", ["", "yesterday", "15", "15 m", "-1h", "2030-02-31"])
def test_anything_else_is_refused_and_says_what_would_do(text: str) -> None:
    with pytest.raises(AmalgamError, match="no moment") as refusal:
        moment(text, NOW)
    assert "15m" in refusal.value.remedy
