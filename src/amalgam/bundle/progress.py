"""What a long build is doing, how far it is, and how long it took: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Counts steps towards ``total``; every step ends in one line."""

    def __init__(self, console: Console, total: int) -> None:
        """Start the clock."""
        self._console = console
        self._total = total
        self._done = 0
        self._began = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run one step under its name; on failure its line is left out, as the error names it."""
        head = f"[{self._done + 1:>3}/{self._total}]"
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{head} {what}", spinner="line"):
                yield
        else:
            yield
        self._done += 1
        took = time.monotonic() - began
        elapsed = time.monotonic() - self._began
        self._console.print(
            f"{head} {what:<58} {took:7.1f} s   {_clock(elapsed)} elapsed",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
