from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from amalgam.lab.forward import Forward, listen, serve
from amalgam.lab.proxy import RefusedError, known_names, target
from tests.e2e.support.ports import reserved

NAMES = {"registry.lab.internal": "10.0.0.31"}


@pytest.fixture
def hosts_file(tmp_path: Path) -> Path:
    file = tmp_path / "hosts"
    file.write_text("# a comment\n127.0.0.1 localhost api.lab.internal\n::1 localhost\n127.0.1.1 me\n")
    return file


@pytest.fixture
def proxy(hosts_file: Path) -> Iterator[socket.socket]:
    """A connection to a proxy which knows the names in the file."""
    listeners = listen([Forward("127.0.0.1", 0, "", 0)])
    threading.Thread(target=serve, args=(listeners, [hosts_file]), daemon=True).start()
    with socket.create_connection(next(iter(listeners)).getsockname(), timeout=10) as client:
        yield client


def test_names_are_those_the_nodes_know_and_never_a_node_s_own_loopback(hosts_file: Path) -> None:
    with hosts_file.open("a") as file:
        file.write("10.0.0.31 registry.lab.internal bundle.lab.internal # both\n\n")
    assert known_names([hosts_file, hosts_file.with_name("absent")]) == {
        "registry.lab.internal": "10.0.0.31",
        "bundle.lab.internal": "10.0.0.31",
    }


@pytest.mark.parametrize("asked", [b"registry.lab.internal", b"10.0.0.31"])
def test_a_known_name_or_address_is_led_to_its_node(asked: bytes) -> None:
    head = b"CONNECT %s:5000 HTTP/1.1\r\nHost: %s:5000\r\n\r\n" % (asked, asked)
    assert target(head, NAMES) == ("10.0.0.31", 5000)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET http://registry.lab.internal/ HTTP/1.1\r\n\r\n", 405),
        (b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", 403),
        (b"CONNECT 10.0.0.99:443 HTTP/1.1\r\n\r\n", 403),
        (b"CONNECT registry.lab.internal HTTP/1.1\r\n\r\n", 403),
        (b"CONNECT registry.lab.internal:https HTTP/1.1\r\n\r\n", 403),
        (b"\r\n\r\n", 405),
    ],
)
def test_what_does_not_ask_for_a_node_s_port_is_refused(head: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refusal:
        target(head, NAMES)
    assert refusal.value.status == status


def test_bytes_are_carried_once_the_node_answers(proxy: socket.socket, hosts_file: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        hosts_file.write_text("127.0.0.2 node\n")
        proxy.sendall(f"CONNECT node:{server.getsockname()[1]} HTTP/1.1\r\n\r\n".encode())
        connection, _ = server.accept()
        assert proxy.recv(1000).startswith(b"HTTP/1.1 200 ")
        with connection:
            proxy.sendall(b"ping")
            assert connection.recv(100) == b"ping"
            connection.sendall(b"pong")
            assert proxy.recv(100) == b"pong"


def test_a_caller_is_told_why_nothing_is_carried(proxy: socket.socket) -> None:
    proxy.sendall(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n")
    assert proxy.recv(1000).startswith(b"HTTP/1.1 403 no node of the lab knows example.org:443\r\n")


def test_a_node_that_does_not_answer_is_told(proxy: socket.socket, hosts_file: Path) -> None:
    hosts_file.write_text("127.0.0.2 node\n")
    with reserved("127.0.0.2") as port:
        proxy.sendall(f"CONNECT node:{port} HTTP/1.1\r\n\r\n".encode())
        assert proxy.recv(1000).startswith(b"HTTP/1.1 502 ")
