"""A faulty site is refused with rule and file, before a single connection to any of its hosts."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.playbook import environment, start_site
from tests.fixtures.sites import expected_fault, invalid_site, valid_site

NEEDS_NODES = False
"""The hosts of these sites do not exist."""

pytestmark = pytest.mark.timeout(120)

CHOSEN = (
    "quoted-boolean",
    "unknown-key",
    "missing-key",
    "plain-secret",
    "cidr-overlap--pods-nodes",
    "no-bundle-server",
    "version-not-in-lock",
    "unknown-file",
    "bad-mail--authority",
)
"""One of each kind; that every fixture is refused by its rule is a matter for the unit tests."""


class Listener:
    """A port of this machine that stands for every host; it counts who knocks and never answers."""

    def __init__(self) -> None:
        """Listen."""
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        """Listen no more."""
        # A thread in accept() is woken by shutdown alone.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def arguments(self) -> list[str]:
        """What makes Ansible take this port for every host."""
        ssh = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 -o ControlMaster=no"
        return ["-e", f"ansible_host=127.0.0.1 ansible_port={self.port} ansible_ssh_common_args='{ssh}'"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Stands for every host."""
    one = Listener()
    yield one
    one.close()


@pytest.mark.parametrize("name", CHOSEN)
def test_a_faulty_site_is_refused_with_rule_and_file_before_any_connection(
    name: str, tmp_path: Path, listener: Listener
) -> None:
    folder = invalid_site(name, tmp_path / "site")
    expected = expected_fault(name)

    run = start_site(folder, *listener.arguments()).wait(seconds=60)

    assert run.rc != 0
    assert f"[{expected.rule}]" in run.output, run.end
    assert str(folder / expected.file) in run.output.replace("\n", ""), run.end
    assert "remedy: " in run.output, run.end
    assert listener.connections == 0


def test_the_listener_would_have_seen_a_connection(tmp_path: Path, listener: Listener) -> None:
    folder = valid_site("three-masters", tmp_path / "site")
    ping = [program("ansible"), "all", "-i", str(folder), "-m", "ping", *listener.arguments()]

    subprocess.run(ping, cwd=ROOT, env=environment(), capture_output=True, check=False, timeout=60)

    assert listener.connections > 0
