from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from amalgam.lab.forward import Forward, listen, orders, serve
from tests.e2e.support.ports import reserved


@contextlib.contextmanager
def _server(answer) -> Iterator[int]:
    """A server on the loopback that gives every connection to ``answer``, in a thread each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def _forwarded(port: int) -> int:
    """The port of a forwarder to ``port``, which runs until the tests end."""
    listeners = listen([Forward("127.0.0.1", 0, "127.0.0.1", port)])
    threading.Thread(target=serve, args=(listeners, []), daemon=True).start()
    return next(iter(listeners)).getsockname()[1]


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def _digest_at_end(connection: socket.socket) -> None:
    """Answers only once the sender has closed its direction: half-closed connections must be carried."""
    with connection:
        digest = hashlib.sha256()
        while data := connection.recv(65536):
            digest.update(data)
        connection.sendall(digest.hexdigest().encode())


def _read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_bytes_arrive_unchanged_and_a_half_closed_connection_still_answers() -> None:
    payload = os.urandom(8 * 1024 * 1024)
    with _server(_digest_at_end) as port, _connect(_forwarded(port)) as client:
        client.sendall(payload)
        client.shutdown(socket.SHUT_WR)
        assert _read_all(client).decode() == hashlib.sha256(payload).hexdigest()


def test_small_messages_go_both_ways_without_waiting() -> None:
    with _server(_echo) as port, _connect(_forwarded(port)) as client:
        for number in range(50):
            client.sendall(f"{number}\n".encode())
            assert client.recv(100) == f"{number}\n".encode()


def test_many_connections_are_carried_side_by_side() -> None:
    with _server(_echo) as port, contextlib.ExitStack() as stack:
        forwarded = _forwarded(port)
        clients = [stack.enter_context(_connect(forwarded)) for _ in range(30)]
        for number, client in enumerate(clients):
            client.sendall(bytes([number]))
        assert [client.recv(1)[0] for client in clients] == list(range(30))


def test_a_node_that_does_not_listen_ends_the_connection_at_once() -> None:
    with reserved() as dead_port, _connect(_forwarded(dead_port)) as client:
        assert client.recv(1) == b""


def test_a_node_that_hangs_up_is_noticed_by_the_client() -> None:
    with _server(lambda connection: connection.close()) as port, _connect(_forwarded(port)) as client:
        assert client.recv(1) == b""


def test_a_client_that_hangs_up_is_noticed_by_the_node() -> None:
    ended = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            _read_all(connection)
        ended.set()

    with _server(answer) as port:
        with _connect(_forwarded(port)) as client:
            client.sendall(b"hello")
        assert ended.wait(10)


def test_a_taken_address_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
            listen([Forward("127.0.0.1", port, "127.0.0.1", 1)])


def test_orders_say_all_that_the_forwarder_needs() -> None:
    forward = Forward("127.9.9.21", 22, "10.88.0.21", 22)
    given = json.loads(orders("lab-net", [forward], []))
    assert given["namespace"] == "lab-net"
    assert [Forward(**entry) for entry in given["forwards"]] == [forward]
