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
    """What is wrong with ``scrape_interval``, ``evaluation_interval``, ``retention_time`` and ``retention_size``.

    Those that are not there are as by default.
    """
    return list(_problems(settings))


def _problems(settings: Mapping[str, object]) -> Iterator[Problem]:
    for key, (low, high) in _INTERVALS.items():
        found = seconds(settings.get(key))
        if key in settings and (found is None or not low <= found <= high):
            yield Problem((key,), f"{settings[key]!r} is not between {low}s and {high}s", REMEDY)
    if "retention_time" in settings and not seconds(settings["retention_time"]):
        yield Problem(("retention_time",), f"{settings['retention_time']!r} is no span of time", REMEDY)
    if "retention_size" in settings and not _SIZE.fullmatch(str(settings["retention_size"])):
        remedy = "write a whole number and MB, GB or TB, like 20GB"
        yield Problem(("retention_size",), f"{settings['retention_size']!r} is no size", remedy)
