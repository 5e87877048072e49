"""The forwarder: this machine's loopback addresses to the nodes' ports, and the only way between the two.

It binds its listeners in the machine's network namespace, then moves into the lab's, and from there connects to nodes.
It runs as ``python -m amalgam.lab.forward FILE`` and says ``ready`` once the listeners stand.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import selectors
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from amalgam.lab.proxy import RefusedError, known_names, read_head, target

READY = "ready"

_CHUNK = 1024 * 1024
_BACKLOG = 256
# A node that runs answers at once; one that is stopped never does, and its callers are not to wait long for that.
_CONNECT_SECONDS = 3.0
# A node that was stopped answers no more: its connections end after this many seconds instead of hanging.
_IDLE_SECONDS, _PROBE_SECONDS, _PROBES = 10, 3, 3
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Forward:
    """One listener of this machine and the node's port behind it."""

    listen_address: str
    listen_port: int
    address: str
    """Empty: the caller names node and port (:mod:`amalgam.lab.proxy`)."""
    port: int


def orders(namespace: str, forwards: list[Forward], hosts_files: list[Path]) -> str:
    """The file that tells the forwarder what to do; names are known from ``hosts_files``."""
    return json.dumps(
        {
            "namespace": namespace,
            "forwards": [asdict(forward) for forward in forwards],
            "hosts_files": [str(file) for file in hosts_files],
        },
        indent=1,
    )


def listen(forwards: list[Forward]) -> dict[socket.socket, Forward]:
    """Open every listener.

    Raises:
        OSError: an address is taken.
    """
    listeners = {}
    for forward in forwards:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((forward.listen_address, forward.listen_port))
        except OSError as error:
            where = f"{forward.listen_address}:{forward.listen_port}"
            raise OSError(error.errno, f"{error.strerror}: {where}") from error
        listener.listen(_BACKLOG)
        listeners[listener] = forward
    return listeners


def enter_network(namespace: str) -> None:
    """Move this thread, and every thread it starts later, into a network namespace made by ``ip netns``."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), namespace)
    finally:
        os.close(descriptor)


def serve(listeners: dict[socket.socket, Forward], hosts_files: list[Path]) -> None:
    """Accept connections for ever, each carried by threads of its own."""
    with selectors.DefaultSelector() as selector:
        for listener, forward in listeners.items():
            selector.register(listener, selectors.EVENT_READ, forward)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - only sockets are registered
                with contextlib.suppress(OSError):
                    client, _ = key.fileobj.accept()
                    threading.Thread(target=_carry, args=(client, key.data, hosts_files), daemon=True).start()


def _carry(client: socket.socket, forward: Forward, hosts_files: list[Path]) -> None:
    """Carry one connection until both sides have ended; a node that does not answer ends it at once."""
    with client:
        try:
            if forward.address:
                server = socket.create_connection((forward.address, forward.port), timeout=_CONNECT_SECONDS)
            else:
                server = _reach_asked(client, hosts_files)
        except OSError:
            return
        with server:
            server.settimeout(None)
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _notice_death(server)
            upward = threading.Thread(target=_pump, args=(client, server), daemon=True)
            upward.start()
            _pump(server, client)
            upward.join()


def _reach_asked(client: socket.socket, hosts_files: list[Path]) -> socket.socket:
    """The connection that the client of the proxy asks for; it is told what came of it.

    Raises:
        OSError: nothing did.
    """
    try:
        address, port = target(read_head(client), known_names(hosts_files))
        server = socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
    except RefusedError as error:
        client.sendall(f"HTTP/1.1 {error.status} {error}\r\nContent-Length: 0\r\n\r\n".encode())
        raise ConnectionRefusedError from error
    except OSError:
        client.sendall(b"HTTP/1.1 502 The node does not answer\r\nContent-Length: 0\r\n\r\n")
        raise
    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
    return server


def _notice_death(server: socket.socket) -> None:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    milliseconds = (_IDLE_SECONDS + _PROBE_SECONDS * _PROBES) * 1000
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes one way until the source ends, through a pipe in the kernel: they never come into this process."""
    outlet, inlet = os.pipe()
    try:
        fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, _CHUNK)
        while count := os.splice(source.fileno(), inlet, _CHUNK):
            while count:
                count -= os.splice(outlet, sink.fileno(), count)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side has gone: wake the thread of the other way, too.
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
    finally:
        os.close(outlet)
        os.close(inlet)


def _raise_file_limit() -> None:
    """Each connection takes six descriptors; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(orders_file: str) -> None:
    """Run the forwarder with the orders in a file."""
    given = json.loads(Path(orders_file).read_text())
    _raise_file_limit()
    listeners = listen([Forward(**forward) for forward in given["forwards"]])
    enter_network(given["namespace"])
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    # Whoever started the forwarder reads no further.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(listeners, [Path(file) for file in given["hosts_files"]])


if __name__ == "__main__":
    main(sys.argv[1])
