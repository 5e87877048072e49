"""Moments as people say them: so long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from amalgam.errors import AmalgamError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(?P<number>[0-9]+)(?P<unit>[smhdw])")


def moment(text: str, now: datetime) -> datetime:
    """The moment that ``text`` means, ``now`` being now.

    Args:
        text: ``15m`` for so long ago (s, m, h, d, w), or a date with or without time (ISO 8601), in this machine's zone
            where it names none.
        now: with a zone.

    Raises:
        AmalgamError: it is neither.
    """
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        remedy = "say how long ago, like 15m, 2h or 3d, or a date and time, like 2030-01-31T12:00"
        raise AmalgamError("no moment in time", where=text, remedy=remedy) from None
