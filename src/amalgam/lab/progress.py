"""Lines that tell a person what goes on: since when, how far, what."""

from __future__ import annotations

import threading
import time

from rich.console import Console


class Progress:
    """Prints a line for each step with the seconds since the start; threads may share it."""

    def __init__(self, console: Console) -> None:
        """The clock starts now."""
        self._console = console
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._done = 0
        self._total = 0

    def say(self, text: str) -> None:
        """Print one line."""
        with self._lock:
            self._print(text)

    def expect(self, total: int) -> None:
        """So many things are to be done; :meth:`done` counts them."""
        with self._lock:
            self._done, self._total = 0, total

    def done(self, text: str) -> None:
        """One more of the expected things is done."""
        with self._lock:
            self._done += 1
            self._print(f"[{self._done}/{self._total}] {text}")

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def _print(self, text: str) -> None:
        self._console.print(f"{self.elapsed():6.1f} s  {text}", highlight=False, markup=False, soft_wrap=True)
