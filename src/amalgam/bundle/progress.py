"""What a long build is doing, how far it is, and how long it took: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

HEARTBEAT_SECONDS = 20.0


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
        head = f"[{self._done + 1:>3}/{self._total}] {what:<58}"
        began = time.monotonic()
        with self._running(head, began):
            yield
        self._done += 1
        self._line(f"{head} {time.monotonic() - began:7.1f} s   {_clock(self._began)} elapsed")

    @contextmanager
    def _running(self, head: str, began: float) -> Iterator[None]:
        """Show that a step goes on: a spinner with a clock, or a line now and then."""
        over = threading.Event()
        if self._console.is_terminal:
            with self._console.status(head, spinner="line") as status:
                beat = threading.Thread(target=self._beat, args=(over, 1.0, head, began, status.update))
                with _joined(beat, over):
                    yield
        else:
            beat = threading.Thread(target=self._beat, args=(over, HEARTBEAT_SECONDS, head, began, self._line))
            with _joined(beat, over):
                yield

    @staticmethod
    def _beat(over: threading.Event, every: float, head: str, began: float, show: Callable[[str], None]) -> None:
        while not over.wait(every):
            show(f"{head} {_clock(began):>7} so far")

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _joined(thread: threading.Thread, over: threading.Event) -> Iterator[None]:
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _clock(since: float) -> str:
    seconds = int(time.monotonic() - since)
    return f"{seconds // 60}:{seconds % 60:02d}"
