"""One builder at a time on one cache, which leaves nothing half-made when ended: two checkouts may build at once."""

from __future__ import annotations

import fcntl
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console


@contextmanager
def alone(cache: Path, console: Console) -> Iterator[None]:
    """Hold the cache's build lock; waits for another builder, and says so. The lock dies with its process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "bundle-build.lock").open("w") as lock, _ending_properly():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("waiting for another bundle build on this cache to end", highlight=False)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _ending_properly() -> Iterator[None]:
    """Let SIGTERM unwind the program, so that compilers it started end with it and half-made files go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
