"""Locks that killed engines leave: the next one would refuse the stack until somebody takes them away by hand."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

from amalgam.pulumi_home import ENGINE


def release_stale(backend: Path, project: str, stack: str) -> None:
    """Take away the locks of engines that ran on this machine and are gone; those of all others stay.

    Args:
        backend: the folder with the state.
        project: name of the project.
        stack: name of the stack.
    """
    for lock in (backend / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json"):
        # Its engine may end now.
        with suppress(FileNotFoundError):
            holder = json.loads(lock.read_text())
            if holder["hostname"] == socket.gethostname() and not _is_an_engine(holder["pid"]):
                # No other than this one: `pulumi cancel` would take that of an engine that starts meanwhile, too.
                lock.unlink()
                lock.with_name(f"{lock.name}.attrs").unlink(missing_ok=True)


def _is_an_engine(pid: int) -> bool:
    try:
        # Another program may have got its number.
        return Path("/proc", str(pid), "comm").read_text().strip() == ENGINE
    except OSError:
        return False
