"""A running lab as the tests use it: commands on its nodes over SSH, and its own commands."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amalgam.lab import network
from amalgam.lab.names import Names
from amalgam.lab.network import Attempt
from amalgam.lab.state import LabState, require
from amalgam.lab.status import status
from amalgam.models import Site, load_site
from tests.e2e.support.checkout import ROOT, program

_COMMAND_SECONDS = 120.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    rc: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, for an error message."""
        return self.stdout + self.stderr


def run_local(
    argv: list[str],
    *,
    stdin: str = "",
    check: bool = True,
    seconds: float = _COMMAND_SECONDS,
    env: dict[str, str] | None = None,
) -> Done:
    """Run a program on this machine, in the checkout, with ``env`` on top of this process's environment.

    Raises:
        AssertionError: it ended non-zero and ``check`` is set.
    """
    done = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        # A log may hold a line that was cut in the middle of a character.
        errors="replace",
        timeout=seconds,
        cwd=ROOT,
        check=False,
        env={**os.environ, **(env or {})},
    )
    ended = Done(done.returncode, done.stdout, done.stderr)
    assert not check or ended.rc == 0, f"{' '.join(argv)} ended with {ended.rc}:\n{ended.output}"
    return ended


@dataclass(frozen=True)
class Node:
    """A node of a lab."""

    name: str
    address: str
    ssh_config: Path

    def run(self, command: str, *, stdin: str = "", check: bool = True, seconds: float = _COMMAND_SECONDS) -> Done:
        """Run a shell command there as root.

        Raises:
            AssertionError: it ended non-zero and ``check`` is set.
        """
        return run_local(self._ssh(command), stdin=stdin, check=check, seconds=seconds)

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a shell command there as root; it ends with its own end or that of the connection."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self._ssh(command), **quiet)

    def _ssh(self, command: str) -> list[str]:
        return ["ssh", "-F", str(self.ssh_config), self.name, command]


@dataclass(frozen=True)
class Lab:
    """A lab that is up."""

    names: Names

    @property
    def state(self) -> LabState:
        """What the lab knows of itself."""
        return require(self.names)

    @property
    def inventory(self) -> Path:
        """Folder of the inventory it was made from."""
        return Path(self.state.inventory)

    @property
    def site(self) -> Site:
        """The site it is."""
        return load_site(self.inventory)

    @property
    def registry(self) -> str:
        """The registry that images come from, NAME:PORT."""
        return f"registry.{self.site.settings.site_domain}:5000"

    def node(self, name: str) -> Node:
        """One node."""
        return Node(name, self.state.node(name).address, self.names.ssh_config)

    def nodes(self) -> list[Node]:
        """All nodes."""
        return [self.node(name) for name in self.state.nodes]

    def members(self, *groups: str) -> list[str]:
        """Names of the hosts in one of the groups."""
        return [host.name for host in self.site.hosts if host.groups & set(groups)]

    def cluster_nodes(self) -> list[Node]:
        """The nodes that are part of the cluster."""
        return [self.node(name) for name in self.members("control_plane", "workers")]

    def status(self) -> dict[str, Any]:
        """What ``amalgam lab status --json`` says."""
        return status(self.names)

    def egress(self) -> list[Attempt]:
        """What nodes have sent to addresses outside."""
        return network.egress(self.names)

    def command(self, *arguments: str, seconds: float = 180.0) -> Done:
        """Run ``amalgam lab`` for the checkout's own lab."""
        return run_local([program("amalgam"), "lab", *arguments], seconds=seconds)
