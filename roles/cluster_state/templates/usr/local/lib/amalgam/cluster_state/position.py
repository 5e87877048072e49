"""How far the events have been delivered, on disk: a restart goes on from there."""

from __future__ import annotations

import os
from pathlib import Path


class Position:
    """A resource version: a number that grows with every change in the cluster.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """

    def __init__(self, file: Path) -> None:
        """What the file says; 0 where there is none, or none that can be read."""
        self._file = file
        content = file.read_text(encoding="ascii", errors="replace").strip() if file.exists() else ""
        self.value = int(content) if content.isdecimal() else 0

    def move(self, value: int) -> None:
        """Write down that all before, and this, has been delivered."""
        if value == self.value:
            return
        beside = self._file.with_suffix(".new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)
        self.value = value
