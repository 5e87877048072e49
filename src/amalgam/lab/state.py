"""What the lab knows of itself: ``.lab/state.json``, written atomically, and the lock that keeps two commands apart."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from amalgam.errors import AmalgamError
from amalgam.lab.names import Names
from amalgam.lab.processes import Process
from amalgam.models.fields import Accelerator


class ForwardState(BaseModel):
    """A port of a node that answers on this machine's loopback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    node: str
    listen_address: str
    listen_port: int
    address: str
    """Empty for the proxy, which asks its callers."""
    port: int


class NodeState(BaseModel):
    """A node as it was brought up."""

    model_config = ConfigDict(extra="forbid")

    name: str
    role: str
    architecture: str
    address: str
    loopback: str
    memory_mib: int | None = None
    accelerator: Accelerator | None = None
    """Kind of its simulated chips."""
    rootfs: str = ""
    """Folder of the shared lower layer under the node's disk; empty until the disk is made."""
    supervisor: Process | None = None
    """The process that starts nspawn, and again after a reboot."""

    def alive(self) -> bool:
        """Whether the node's container runs."""
        return self.supervisor is not None and self.supervisor.alive()


class LabState(BaseModel):
    """The whole lab."""

    model_config = ConfigDict(extra="forbid")

    lab: str
    inventory: str
    node_cidr: str
    gateway: str
    loopback_base: str
    made_netns_mount: bool = False
    """Whether ``ip netns`` made its mount at /run/netns for this lab, so that it goes with the lab."""
    nodes: dict[str, NodeState] = {}
    forwards: list[ForwardState] = []
    forwarder: Process | None = None

    @property
    def proxy(self) -> str:
        """URL of the proxy that knows the lab's names."""
        entry = next(entry for entry in self.forwards if not entry.address)
        return f"http://{entry.listen_address}:{entry.listen_port}"

    def node(self, name: str) -> NodeState:
        """The node of that name.

        Raises:
            AmalgamError: the lab has none.
        """
        if name not in self.nodes:
            raise AmalgamError(
                f"the lab has no node {name!r}",
                where=self.inventory,
                remedy=f"name one of: {', '.join(self.nodes) or '(none)'}",
            )
        return self.nodes[name]


def load(names: Names) -> LabState | None:
    """The lab's state; None where there is no lab.

    Raises:
        AmalgamError: the file is there but cannot be understood.
    """
    if not names.state_file.exists():
        return None
    try:
        return LabState.model_validate_json(names.state_file.read_bytes())
    except ValidationError as error:
        raise AmalgamError(
            f"the lab's state cannot be understood: {error.error_count()} faults, first: {error.errors()[0]['msg']}",
            where=str(names.state_file),
            remedy="amalgam lab down (it works without the state), then bring the lab up again",
        ) from error


def require(names: Names) -> LabState:
    """The state of a lab that must be there.

    Raises:
        AmalgamError: no lab has been brought up from this checkout.
    """
    state = load(names)
    if state is None:
        raise AmalgamError("there is no lab", where=str(names.folder), remedy="amalgam lab up -i inventories/lab")
    return state


def save(names: Names, state: LabState) -> None:
    """Write the state so that a reader sees the old or the new file, never half of one."""
    write_atomically(names.state_file, state.model_dump_json(indent=1) + "\n")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file in one step, with the given mode from the beginning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextlib.contextmanager
def locked(names: Names) -> Iterator[None]:
    """Keep other commands on the same lab out.

    The lock is on the checkout's folder itself, so it outlives ``.lab`` and leaves no file.

    Raises:
        AmalgamError: another command works on this lab.
    """
    folder = os.open(names.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AmalgamError(
                "another command is working on this lab",
                where=str(names.root),
                remedy="wait until it has ended (lsof shows who holds the folder)",
            ) from error
        yield
    finally:
        os.close(folder)
