"""What of a lab is still on the machine: nothing, after ``amalgam lab down``."""

from __future__ import annotations

import os
from pathlib import Path

from amalgam.lab import cgroups, network, processes, stacks
from amalgam.lab.names import Names


def leftovers(names: Names) -> list[str]:
    """Every process, mount, network namespace, cgroup and file of the lab that is there, one line each."""
    found = [f"process {pid}: {processes.command_line(pid)[:120]}" for pid in sorted(_processes(names))]
    found += [f"mount {target}" for target in mounts(names)]
    found += [f"network namespace {name}" for name in network.namespaces_of(names)]
    found += [f"cgroup {folder}" for folder in cgroups.folders(names.lab)]
    if names.folder.exists():
        found.append(f"folder {names.folder}")
    found += [f"settings of a stack {file}" for file in stacks.settings_files(names)]
    return found


def mounts(names: Names) -> list[str]:
    """Mounts below the lab's folder in this machine's own mount namespace, the innermost first."""
    targets = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [target for target in reversed(targets) if target.startswith(f"{names.folder}/")]


def strays(names: Names) -> set[int]:
    """Processes of the lab outside its cgroups: the forwarder, and what was started but did not get into its cgroup."""
    # The forwarder and each supervisor have a path below the lab's folder as an argument of their own.
    marks = (f" {names.forwards_file}", f"{names.folder}/nodes/")
    own = {os.getpid(), os.getppid()}
    return {pid for pid in processes.all_pids() if pid not in own and _started_by_lab(pid, marks)}


def _started_by_lab(pid: int, marks: tuple[str, str]) -> bool:
    line = processes.command_line(pid)
    forwarder = "amalgam.lab.forward" in line and line.endswith(marks[0])
    supervisor = marks[1] in line and line.startswith(("/bin/sh ", "unshare ", "systemd-nspawn "))
    return forwarder or supervisor


def _processes(names: Names) -> set[int]:
    return cgroups.pids(names.lab) | strays(names)
