"""Waiting until the machine has nothing else to do, so that a figure is of what is measured."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.e2e.support.waiting import wait_until

# Four nodes at rest take up to two fifths of two processors.
_IDLE_SHARE = 0.5
_WINDOW_SECONDS = 10.0


def wait_idle(*, seconds: float = 300.0) -> None:
    """Wait until the processors were idle for half of some seconds (proc_stat(5)).

    Raises:
        AssertionError: they never were.
    """
    wait_until("the machine is idle", _idle_share, lambda share: share >= _IDLE_SHARE, seconds=seconds)


def _idle_share() -> float:
    before = _ticks()
    threading.Event().wait(_WINDOW_SECONDS)
    spent = [after - earlier for earlier, after in zip(before, _ticks(), strict=True)]
    return (spent[3] + spent[4]) / sum(spent)


def _ticks() -> list[int]:
    """What all processors together spent on user, nice, system, idle, iowait and so on, since the start."""
    line = Path("/proc/stat").read_text().splitlines()[0]
    return [int(word) for word in line.split()[1:]]
