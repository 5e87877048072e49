"""FUSE mounts whose server was killed: what waits for one may never end, not even by SIGKILL.

That happens when a child of the server holds its ``/dev/fuse`` and waits for the very mount, as the remounting helper
of ceph-fuse does. Aborting the connection ends the wait (https://docs.kernel.org/filesystems/fuse/fuse.html).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from amalgam.lab.commands import run


def abort(pids: Iterable[int]) -> None:
    """Abort the FUSE connections that these processes of nodes have mounted; mounts of this machine's own are left."""
    connections = {connection for pid in pids for connection in _connections(Path("/proc", str(pid)))}
    if not connections:
        return
    with tempfile.TemporaryDirectory(prefix="amalgam-fuse-") as control:
        run("mount", "-t", "fusectl", "none", control)
        try:
            for connection in connections:
                with contextlib.suppress(FileNotFoundError):
                    Path(control, connection, "abort").write_text("1")
        finally:
            run("umount", control)


def _connections(process: Path) -> set[str]:
    """Names of connections: minor numbers of the mounts' devices, see proc_pid_mountinfo(5)."""
    try:
        if (process / "ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink():
            return set()
        lines = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return set()
    mounts = [line.split(" - ") for line in lines]
    return {fields.split()[2].partition(":")[2] for fields, kind in mounts if kind.startswith(("fuse ", "fuse."))}
