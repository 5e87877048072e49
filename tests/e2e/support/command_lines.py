"""Every command line that was seen on this machine while something ran; the nodes' processes are among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_LOOK_SECONDS = 0.02


class CommandLines:
    """Collects command lines, each once."""

    def __init__(self) -> None:
        """None yet."""
        self.seen: set[bytes] = set()

    def watch(self, running: Callable[[float], bool]) -> None:
        """Look at all processes again and again until ``running(seconds to wait)`` says no."""
        while running(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Look at all processes once."""
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    line = Path(entry.path, "cmdline").read_bytes()
                except OSError:
                    continue
                if line:
                    self.seen.add(line)
