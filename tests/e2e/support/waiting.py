"""Waiting for a condition, with a budget and an error that says what was seen last."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_POLL_SECONDS = 0.25


def wait_until(what: str, look: Callable[[], Seen], accept: Callable[[Seen], bool] = bool, *, seconds: float) -> Seen:
    """Look again and again until what is seen is accepted, and return it; a look that fails has seen nothing yet.

    Raises:
        AssertionError: it was not accepted within so many seconds; says what was seen last. Or ``accept`` raised it:
            what may never be seen ends the wait at once.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        try:
            seen = look()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            last = str(error)
        else:
            if accept(seen):
                return seen
            last = repr(seen)
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s; last seen: {last}"
        pause.wait(_POLL_SECONDS)
