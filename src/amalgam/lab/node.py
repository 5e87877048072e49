"""One node: a systemd-nspawn container that boots Debian's own systemd.

nspawn's manual: https://www.freedesktop.org/software/systemd/man/252/systemd-nspawn.html
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.lab import cgroups, disk, emulation, meminfo, network, processes
from amalgam.lab.commands import last_lines
from amalgam.lab.names import Names
from amalgam.lab.processes import Process
from amalgam.lab.state import LabState, NodeState, write_atomically

BOOT_SECONDS = 120.0
"""How long a node may take until systemd says ``running``."""

EMULATED_BOOT_SECONDS = 600.0
"""The same for a node of another architecture than the machine's."""

STOP_SECONDS = 40.0
"""How long a node may take to shut down before it is killed."""

_POLL_SECONDS = 0.1
_ASK_SECONDS = 30.0
_DEGRADED_SECONDS = 60.0
_REBOOT_STATUS = 133

_SYSTEM_CALLS = "bpf perf_event_open keyctl add_key request_key @mount @module"

_BOOT_SCRIPT = """\
#!/bin/sh
# Written by `amalgam lab up`: boots node {node}, again after each reboot.
set -eu
if [ "${{1-}}" != mounts ]; then
  for group in {cgroups}; do echo $$ > "$group/cgroup.procs"; done
  # In a mount namespace of its own: every mount below goes when the node's last process does.
  exec unshare --mount --propagation private "$0" mounts
fi
cd {folder}
# nspawn's own folder, so that what it leaves there when killed goes too.
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 lab /run/systemd
{emulation}
{memory}
mount -t overlay -o lowerdir={rootfs},upperdir=upper,workdir=work lab merged
# Without the first, sysctls are read-only; without the second, /tmp is memory.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes SYSTEMD_NSPAWN_TMPFS_TMP=0
while
  # A server that boots has no cgroups of its last run; a kubelet would wait seconds for the container of each.
  find {cgroups} -mindepth 1 -type d -delete || :
  status=0
  {nspawn} || status=$?
  [ "$status" -eq {reboot} ]
do :; done
exit "$status"
"""


def start(names: Names, state: LabState, node: NodeState) -> None:
    """Boot a node whose disk is made. Returns at once: :func:`wait_running` waits.

    Raises:
        AmalgamError: its root has gone from the cache, or a command failed.
    """
    if not Path(node.rootfs).is_dir():
        raise AmalgamError(
            f"the Debian root under the disk of {node.name} has gone",
            where=node.rootfs,
            remedy=f"amalgam lab recreate {node.name}",
        )
    network.create_node(names, node=node.name, address=node.address, node_cidr=state.node_cidr, gateway=state.gateway)
    # After a crash the container may have outlived its supervisor, and two must never share a disk.
    cgroups.kill(names.node_cgroup(node.name))
    groups = cgroups.create(names.node_cgroup(node.name), memory_mib=node.memory_mib)
    script = names.node_folder(node.name) / "boot.sh"
    write_atomically(script, boot_script(names, node, groups), 0o755)
    with console_log(names, node.name).open("wb") as log:
        process = subprocess.Popen(
            [str(script)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    node.supervisor = Process.of(process.pid)


def boot_script(names: Names, node: NodeState, groups: list[Path]) -> str:
    """The script that enters the cgroups, mounts the disk and becomes the node's supervisor."""
    return _BOOT_SCRIPT.format(
        node=node.name,
        cgroups=shlex.join(str(group) for group in groups),
        folder=shlex.quote(str(names.node_folder(node.name))),
        rootfs=shlex.quote(node.rootfs),
        nspawn=shlex.join(_nspawn(names, node)),
        reboot=_REBOOT_STATUS,
        emulation=emulation.register_script(node.architecture),
        memory=meminfo.start_script(names.node_folder(node.name)) if node.memory_mib else "",
    )


def _nspawn(names: Names, node: NodeState) -> list[str]:
    folder = names.node_folder(node.name)
    binds = [f"--bind={disk.plain_folder(folder, path)}:/{path}" for path in disk.PLAIN_FOLDERS]
    if Path("/lib/modules").is_dir():
        binds.append("--bind-ro=/lib/modules")
    if node.memory_mib:
        binds.append(meminfo.bind(folder))
    return [
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no"),
        f"--directory={folder / 'merged'}",
        f"--machine={names.machine(node.name)}",
        f"--hostname={node.name}",
        f"--network-namespace-path=/run/netns/{names.node_network(node.name)}",
        # A node may do what a server may, but not set this machine's clock.
        *("--capability=all", "--drop-capability=CAP_SYS_TIME", f"--system-call-filter={_SYSTEM_CALLS}"),
        *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"),
        *binds,
    ]


def console_log(names: Names, node: str) -> Path:
    """What the node wrote to its console since its last start."""
    return names.node_folder(node) / "console.log"


def leader(node: NodeState) -> int | None:
    """The node's own systemd, by its number on this machine; None while there is none."""
    if node.supervisor is None or not node.supervisor.alive():
        return None
    for nspawn in processes.children(node.supervisor.pid):
        for child in processes.children(nspawn):
            if processes.inner_pid(child) == 1:
                return child
    return None


def system_state(node: NodeState) -> str:
    """What systemd in the node says of itself (``running``, ``starting``, ``degraded`` …), or ``stopped``."""
    if not node.alive():
        return "stopped"
    answer = _ask(node, "systemctl", "is-system-running").strip()
    return answer if answer and answer != "offline" else "starting"


def failed_units(node: NodeState) -> list[str]:
    """Units of the node that failed."""
    listed = _ask(node, "systemctl", "list-units", "--state=failed", "--plain", "--no-legend")
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def _ask(node: NodeState, *command: str) -> str:
    pid = leader(node)
    if pid is None:
        return ""
    try:
        done = subprocess.run(
            ["nsenter", f"--target={pid}", "--all", "--", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def wait_running(names: Names, node: NodeState) -> None:
    """Wait until the node's systemd has started everything.

    What a timer starts may fail once on a busy machine: such a unit has until its next turn.

    Raises:
        AmalgamError: it ended, did not get there in time, or units failed and stay so (they are named).
    """
    seconds = EMULATED_BOOT_SECONDS if emulation.is_emulated(node.architecture) else BOOT_SECONDS
    deadline = time.monotonic() + seconds
    started = False
    while (current := system_state(node)) != "running":
        if current == "degraded" and not started:
            started, deadline = True, time.monotonic() + _DEGRADED_SECONDS
        late = time.monotonic() > deadline
        if current == "degraded" and late:
            raise AmalgamError(
                f"units failed: {', '.join(failed_units(node))}",
                where=node.name,
                remedy=f"amalgam lab ssh {node.name} -- systemctl status UNIT",
            )
        if current == "stopped" or late:
            how = "ended while booting" if current == "stopped" else f"is still {current!r} after {seconds:.0f} s"
            raise AmalgamError(
                f"{how}; its console says: {last_lines(console_log(names, node.name).read_text(errors='replace'))}",
                where=node.name,
                remedy=f"see {console_log(names, node.name)}",
            )
        time.sleep(_POLL_SECONDS)


def stop(names: Names, node: NodeState, *, seconds: float = STOP_SECONDS) -> bool:
    """Shut a node down in order, and kill it when that takes too long; its disk stays. Says whether order sufficed."""
    supervisor = node.supervisor
    in_order = True
    if supervisor is not None and supervisor.alive():
        for nspawn in processes.children(supervisor.pid):
            # nspawn answers SIGTERM by asking the node's systemd to halt.
            Process.of(nspawn).send(signal.SIGTERM)
        in_order = supervisor.wait_gone(seconds)
    cgroups.kill(names.node_cgroup(node.name))
    if supervisor is not None:
        supervisor.wait_gone(seconds)
    node.supervisor = None
    network.delete_node(names, node=node.name, address=node.address)
    return in_order
