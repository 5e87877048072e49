"""Lets a node with a memory limit see it in /proc/meminfo, by LXCFS (https://linuxcontainers.org/lxcfs/).

LXCFS runs in the cgroups and the mount namespace of the node's supervisor, so that it goes with the node.
"""

from __future__ import annotations

import shlex
from pathlib import Path

FOLDER = "lxcfs"
"""Where LXCFS is mounted, in the node's folder."""

_ON_NODE = "/var/lib/lxcfs"

# A node would go on with the machine's numbers if it were bound before the mount is there.
_START_SCRIPT = """\
mkdir -p {folder}
lxcfs --foreground --pidfile /run/systemd/lxcfs.pid {folder} &
until mountpoint --quiet {folder}; do kill -0 $!; sleep 0.05; done
"""

_UNIT = f"""\
[Unit]
Description=Memory of this lab node, not of the machine under it
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/mount --bind {_ON_NODE}/proc/meminfo /proc/meminfo

[Install]
WantedBy=sysinit.target
"""


def start_script(node_folder: Path) -> str:
    """Lines of the node's boot script that start it."""
    return _START_SCRIPT.format(folder=shlex.quote(str(node_folder / FOLDER)))


def bind(node_folder: Path) -> str:
    """nspawn's option that shows the node what LXCFS says."""
    return f"--bind-ro={node_folder / FOLDER}:{_ON_NODE}"


def install(upper: Path) -> None:
    """Have the node put it in the place of its own, early: a unit in the upper layer of its disk."""
    unit = upper / "etc/systemd/system/lab-meminfo.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(_UNIT)
    wanted = unit.parent / "sysinit.target.wants" / unit.name
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.symlink_to(f"/etc/systemd/system/{unit.name}")
