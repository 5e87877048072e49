"""Starting and stopping the forwarder process, and choosing the loopback addresses it listens on."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable

from amalgam.errors import AmalgamError
from amalgam.lab.forward import READY, Forward, orders
from amalgam.lab.names import Names
from amalgam.lab.processes import Process
from amalgam.lab.state import ForwardState, LabState, write_atomically

_STOP_SECONDS = 5.0
_UNUSED_LOOPBACK = "127.255.255.254"
_SHIFT = 10000


def listen_port(port: int) -> int:
    """The port of this machine for a node's port: the same, or 10000 above where a program holds it everywhere."""
    return port if free(_UNUSED_LOOPBACK, port) else port + _SHIFT


def choose_base(names: Names, endpoints: Iterable[tuple[int, int]]) -> str:
    """The first loopback prefix ``127.x.y`` of the lab on which every (last octet, port) is free.

    Raises:
        AmalgamError: none is.
    """
    wanted = list(endpoints)
    for base in names.loopback_bases():
        if all(free(f"{base}.{octet}", port) for octet, port in wanted):
            return base
    raise AmalgamError(
        "no loopback address is free for the lab's forwards",
        where=", ".join(sorted({str(port) for _, port in wanted})),
        remedy="see who listens on 127.0.0.0/8 (ss -ltn) and end it",
    )


def free(address: str, port: int) -> bool:
    """Whether a listener could be opened there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def ensure(names: Names, state: LabState) -> bool:
    """Have the forwarder run with the state's forwards; says whether it had to be started.

    Raises:
        AmalgamError: it could not open its listeners.
    """
    hosts_files = [names.node_folder(node) / "upper/etc/hosts" for node in state.nodes]
    wanted = orders(names.network, [_forward(entry) for entry in state.forwards], hosts_files)
    current = names.forwards_file.read_text() if names.forwards_file.exists() else ""
    if state.forwarder is not None and state.forwarder.alive() and current == wanted:
        return False
    stop(state)
    write_atomically(names.forwards_file, wanted)
    state.forwarder = _start(names)
    return True


def stop(state: LabState) -> None:
    """End the forwarder, and with it every connection to the nodes."""
    if state.forwarder is None:
        return
    state.forwarder.send(signal.SIGTERM)
    if not state.forwarder.wait_gone(_STOP_SECONDS):
        state.forwarder.send(signal.SIGKILL)
        state.forwarder.wait_gone(_STOP_SECONDS)
    state.forwarder = None


def _forward(entry: ForwardState) -> Forward:
    return Forward(entry.listen_address, entry.listen_port, entry.address, entry.port)


def _start(names: Names) -> Process:
    log_path = names.folder / "forward.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "amalgam.lab.forward", str(names.forwards_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - asked for above
    with process.stdout as answer:
        line = answer.readline().strip()
    if line != READY:
        process.wait()
        raise AmalgamError(
            f"the forwarder did not start: {log_path.read_text().strip().splitlines()[-1:]}",
            where=str(log_path),
            remedy="see who listens on the address it names (ss -ltnp)",
        )
    return Process.of(process.pid)
