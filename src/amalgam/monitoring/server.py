"""What a site may say about the Prometheus server itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from amalgam.monitoring.durations import REMEDY, seconds
from amalgam.monitoring.problems import Problem

# Rates are taken over two minutes: with fewer than four values in them, one that is lost leaves a gap.
_INTERVALS = {"scrape_interval": (10, 30), "evaluation_interval": (5, 60)}
_SIZE = re.compile(r"[1-9]\d*(MB|GB|TB)")


def check_server(settings: Mapping[str, object]) -> list[Problem]:
    """What is wrong with ``scrape_interval``, ``evaluation_interval``, ``retention_time`` and ``retention_size``."""
    return list(_problems(settings))


def _problems(settings: Mapping[str, object]) -> Iterator[Problem]:
    for key, (low, high) in _INTERVALS.items():
        found = seconds(settings[key])
        if found is None or not low <= found <= high:
            yield Problem((key,), f"{settings[key]!r} is not between {low}s and {high}s", REMEDY)
    if not seconds(settings["retention_time"]):
        yield Problem(("retention_time",), f"{settings['retention_time']!r} is no span of time", REMEDY)
    if not _SIZE.fullmatch(str(settings["retention_size"])):
        remedy = "write a whole number and MB, GB or TB, like 20GB"
        yield Problem(("retention_size",), f"{settings['retention_size']!r} is no size", remedy)
