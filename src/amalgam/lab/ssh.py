"""SSH to the nodes: the lab's own key, host keys made before boot, and an ssh_config that trusts nothing else."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.lab.commands import last_lines, run
from amalgam.lab.names import Names
from amalgam.lab.state import LabState, write_atomically

ANSWER_SECONDS = 60.0
"""How long a node that has booted may take until SSH answers."""

_TRY_SECONDS = 10.0
_POLL_SECONDS = 0.1


def host_key(names: Names, node: str) -> Path:
    """Private host key of a node."""
    return names.node_folder(node) / "ssh_host_ed25519_key"


def create_host_key(names: Names, *, node: str) -> None:
    """Make a node's host key where it has none."""
    _keygen(host_key(names, node), node)


def create_user_key(names: Names) -> None:
    """Make the key that root on every node accepts, where there is none."""
    _keygen(names.ssh_key, names.lab)


def _keygen(path: Path, comment: str) -> None:
    if path.exists() and Path(f"{path}.pub").exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def write_files(names: Names, state: LabState) -> None:
    """Write ``ssh_config`` and ``known_hosts`` for the nodes of the state."""
    write_atomically(names.known_hosts, known_hosts(names, state))
    write_atomically(names.ssh_config, config(names, state))


def known_hosts(names: Names, state: LabState) -> str:
    """The host key of each node under its name."""
    lines = []
    for node in state.nodes:
        kind, key = Path(f"{host_key(names, node)}.pub").read_text().split()[:2]
        lines.append(f"{node} {kind} {key}\n")
    return "".join(lines)


def config(names: Names, state: LabState) -> str:
    """An ssh_config that knows each node by its name and by its address in the lab."""
    blocks = ["# Written by `amalgam lab up`; gone with `amalgam lab down`.\n"]
    ports = {forward.node: forward.listen_port for forward in state.forwards if forward.port == 22}
    blocks += [
        f"Host {node.name} {node.address}\n"
        f"  HostName {node.loopback}\n"
        f"  Port {ports[node.name]}\n"
        f"  HostKeyAlias {node.name}\n"
        for node in state.nodes.values()
    ]
    blocks.append(
        "Host *\n"
        "  User root\n"
        f"  IdentityFile {names.ssh_key}\n"
        "  IdentitiesOnly yes\n"
        "  IdentityAgent none\n"
        "  PreferredAuthentications publickey\n"
        f"  UserKnownHostsFile {names.known_hosts}\n"
        "  GlobalKnownHostsFile none\n"
        "  StrictHostKeyChecking yes\n"
        "  UpdateHostKeys no\n"
        # Far faster than the default on processors with AES instructions, and bundles go through here.
        "  Ciphers ^aes128-gcm@openssh.com\n"
        # A third of what a connection costs is the default's key exchange; here it never leaves the loopback.
        "  KexAlgorithms ^curve25519-sha256\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 10\n"
    )
    return "\n".join(blocks)


def wait_answers(names: Names, node: str, *, seconds: float = ANSWER_SECONDS) -> None:
    """Wait until the node runs a command over SSH and shows the host key that it was given.

    Raises:
        AmalgamError: another host key was shown, or no answer within the time.
    """
    deadline = time.monotonic() + seconds
    while True:
        problem = _try(names, node)
        if problem is None:
            return
        if "Host key verification failed" in problem:
            raise AmalgamError(
                f"another host key than the lab's answers: {problem}",
                where=node,
                remedy="see which program listens on the node's loopback address (ss -ltnp), then run it again",
            )
        if time.monotonic() > deadline:
            raise AmalgamError(
                f"SSH does not answer within {seconds:.0f} s: {problem}",
                where=node,
                remedy=f"see {names.node_folder(node)}/console.log and {names.folder}/forward.log",
            )
        time.sleep(_POLL_SECONDS)


def _try(names: Names, node: str) -> str | None:
    """What hinders a command over SSH; None if nothing does."""
    command = ["ssh", "-F", str(names.ssh_config), node, "true"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end of the connection within {_TRY_SECONDS:.0f} s"
    return None if done.returncode == 0 else last_lines(done.stderr) or f"ssh ended with {done.returncode}"


def replace_process(names: Names, node: str, command: list[str]) -> None:
    """Become ``ssh`` to the node; does not return."""
    os.execvp("ssh", ["ssh", "-F", str(names.ssh_config), node, *command])  # noqa: S606 - becoming ssh is the point
