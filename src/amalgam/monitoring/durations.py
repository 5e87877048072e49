"""Spans of time as Prometheus writes them: ``90s``, ``1h30m``.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from __future__ import annotations

import re

_UNITS = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = r"(?:(\d+){})?"
_DURATION = re.compile("".join(_PART.format(unit) for unit in _UNITS))

REMEDY = "write a number and a unit in text, like 30s, 5m, 1h30m or 1d"


def seconds(text: object) -> float | None:
    """How long it is; None where it is no span of time."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        return None
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS.values(), strict=True))
