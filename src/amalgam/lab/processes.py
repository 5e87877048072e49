"""Processes that the lab started, told apart from others that later got the same number."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_POLL_SECONDS = 0.05


class Process(BaseModel):
    """A process by number, start time and boot of the machine: together they name it for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now."""
        return cls(pid=pid, start_ticks=_start_ticks(pid), boot_id=_boot_id())

    def alive(self) -> bool:
        """Whether that very process still runs (a zombie does not)."""
        if self.boot_id != _boot_id():
            return False
        try:
            return _start_ticks(self.pid) == self.start_ticks and _letter(self.pid) != "Z"
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal if it still runs."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait_gone(self, seconds: float) -> bool:
        """Wait until it has ended, at most so many seconds; says whether it has."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            _reap(self.pid)
            time.sleep(_POLL_SECONDS)
        return True


def children(pid: int) -> list[int]:
    """Direct children of a process; none if it has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def inner_pid(pid: int) -> int | None:
    """The number a process has in its innermost PID namespace; None if it has gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    except OSError:
        pass
    return None


def command_line(pid: int) -> str:
    """Arguments of a process, joined by blanks; empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def all_pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat_fields(pid: int) -> list[str]:
    # The name of the program, in brackets, may itself hold blanks and brackets.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _letter(pid: int) -> str:
    return _stat_fields(pid)[0]


def _start_ticks(pid: int) -> int:
    return int(_stat_fields(pid)[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _reap(pid: int) -> None:
    """A child of this very process stays a zombie until it is waited for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
