"""How far a transfer is, on the terminal: bytes, rate, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Bars:
    """A bar for each phase; see :class:`amalgam.datasets.progress.Progress`."""

    def __init__(self, progress: Progress) -> None:
        """Draw with ``progress``."""
        self._progress = progress
        self._task: TaskID | None = None

    def phase(self, name: str, total: int) -> None:
        """Begin the next bar, unless there is nothing to do."""
        self._task = self._progress.add_task(name, total=total) if total else None

    def advance(self, count: int) -> None:
        """Lengthen the bar."""
        if self._task is not None:
            self._progress.advance(self._task, count)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on standard error while the block runs; where that is no terminal, one line for each phase at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        yield Bars(progress)
