"""The lab's cgroups: one for each node under every version 1 controller, and nothing else is ever touched.

Version 1 (or the hybrid layout) is what the lab knows: see https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.lab import fuse

_MIB = 1024 * 1024
_EMPTY_SECONDS = 20.0
_STUCK_SECONDS = 1.0
_POLL_SECONDS = 0.05


def hierarchies() -> list[Path]:
    """Mount point of every cgroup hierarchy: each version 1 controller, and the unified one of the hybrid layout.

    Raises:
        AmalgamError: the machine has no version 1 controllers.
    """
    version1: list[Path] = []
    unified: list[Path] = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, target, kind = line.split()[:3]
        if kind == "cgroup":
            version1.append(Path(target))
        elif kind == "cgroup2":
            unified.append(Path(target))
    if not version1:
        raise AmalgamError(
            "this machine has no version 1 cgroup controllers, which the lab needs",
            where="/proc/self/mounts",
            remedy="boot it with systemd.unified_cgroup_hierarchy=0, or use a machine with the hybrid layout",
        )
    return version1 + unified


def create(path: str, *, memory_mib: int | None = None) -> list[Path]:
    """Make the cgroup ``path`` in every hierarchy, ready to be joined; returns its folders.

    Args:
        path: relative to the root of each hierarchy, such as ``amalgam-012345/master1``.
        memory_mib: limit of its memory, in MiB.
    """
    folders = []
    for hierarchy in hierarchies():
        folder = hierarchy
        for part in Path(path).parts:
            parent, folder = folder, folder / part
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(parent, folder)
        limit = folder / "memory.limit_in_bytes"
        if memory_mib is not None and limit.exists():
            limit.write_text(str(memory_mib * _MIB))
        folders.append(folder)
    return folders


def _inherit_cpuset(parent: Path, folder: Path) -> None:
    """A new cpuset is empty, and no process may join an empty one."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (folder / name).exists() and not (folder / name).read_text().strip():
            (folder / name).write_text((parent / name).read_text())


def folders(path: str) -> list[Path]:
    """Every folder of the cgroup ``path`` and below it that exists, children before parents."""
    found: list[Path] = []
    for hierarchy in hierarchies():
        top = hierarchy / path
        if top.is_dir():
            found += [Path(folder) for folder, _, _ in os.walk(top, topdown=False)]
    return found


def pids(path: str) -> set[int]:
    """Every process in the cgroup ``path`` and below it, in any hierarchy."""
    found: set[int] = set()
    for folder in folders(path):
        try:
            found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return found


def kill(path: str) -> None:
    """Kill what runs in the cgroup and wait until it is empty.

    Raises:
        AmalgamError: something there does not die.
    """
    began = time.monotonic()
    while left := pids(path):
        if time.monotonic() > began + _STUCK_SECONDS:
            fuse.abort(left)
        if time.monotonic() > began + _EMPTY_SECONDS:
            raise AmalgamError(
                f"processes do not end after SIGKILL: {sorted(left)}",
                where=path,
                remedy="see what they wait for in /proc/PID/stack, then run `amalgam lab down` again",
            )
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_POLL_SECONDS)


def remove(path: str) -> None:
    """Remove the cgroup ``path`` and all below it from every hierarchy; they must be empty.

    Raises:
        AmalgamError: a folder stays busy.
    """
    deadline = time.monotonic() + _EMPTY_SECONDS
    for folder in folders(path):
        while folder.is_dir():
            try:
                folder.rmdir()
            except OSError as error:
                # A cgroup stays busy for a moment after its last process has gone.
                if time.monotonic() > deadline:
                    raise AmalgamError(
                        f"cannot remove the cgroup: {error.strerror}",
                        where=str(folder),
                        remedy="see its cgroup.procs, then run `amalgam lab down` again",
                    ) from error
                time.sleep(_POLL_SECONDS)
