"""Every command line that was seen on this machine while something ran; the nodes' processes are among them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_LOOK_SECONDS = 0.02
# A process has the command line of its parent until it calls execve(2).
_YOUNG_LOOKS = 10
_LOOK_AT_ALL_SECONDS = 1.0


class CommandLines:
    """Collects command lines, each once.

    New processes are read at every look and all at one in a second, for those that become another program late: reading
    hundreds of old ones each time would take the processors from what is watched.
    """

    def __init__(self) -> None:
        """None yet."""
        self.seen: set[bytes] = set()
        self._looks: dict[str, int] = {}
        self._all_at = 0.0

    def watch(self, running: Callable[[float], bool]) -> None:
        """Look at the processes again and again until ``running(seconds to wait)`` says no."""
        while running(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Look at the processes once."""
        look_at_all = time.monotonic() >= self._all_at
        if look_at_all:
            self._all_at = time.monotonic() + _LOOK_AT_ALL_SECONDS
        pids = [entry.name for entry in os.scandir("/proc") if entry.name.isdigit()]
        self._looks = {pid: self._looks.get(pid, 0) + 1 for pid in pids}
        for pid, looks in self._looks.items():
            if look_at_all or looks <= _YOUNG_LOOKS:
                self._read(pid)

    def _read(self, pid: str) -> None:
        try:
            line = Path("/proc", pid, "cmdline").read_bytes()
        except OSError:
            return
        if line:
            self.seen.add(line)
