"""One builder at a time on one cache: two checkouts may build at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


@contextmanager
def alone(cache: Path, console: Console) -> Iterator[None]:
    """Hold the cache's build lock; waits for another builder, and says so. The lock dies with its process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "bundle-build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("waiting for another bundle build on this cache to end", highlight=False)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
