"""A lock whose engine is gone is taken away; one that may be held is not."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amalgam.pulumi_locks import release_stale


@pytest.fixture
def locked(tmp_path: Path) -> Callable[..., Path]:
    """Makes a lock of the stack."""
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "tenants" / "lab"
    folder.mkdir(parents=True)

    def make(pid: int, hostname: str = socket.gethostname()) -> Path:
        lock = folder / "2e4c.json"
        lock.write_text(json.dumps({"pid": pid, "username": "root", "hostname": hostname, "timestamp": ""}))
        lock.with_name("2e4c.json.attrs").write_text("{}")
        return lock

    return make


@pytest.fixture(params=["pulumi", "other"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A program of some name that runs."""
    program = tmp_path / request.param
    shutil.copy("/bin/cat", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        # Its answer shows that it runs under its name: the kernel names it after `Popen` has returned.
        running.stdin.write(b"x\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"x\n"
        yield request.param, running
        running.kill()


def test_an_engines_lock_goes_when_it_is_gone_and_its_number_protects_no_other_program(
    locked: Callable[..., Path], process: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    name, running = process
    lock = locked(running.pid)
    release_stale(tmp_path, "tenants", "lab")
    assert lock.exists() == (name == "pulumi")
    running.kill()
    running.wait()
    release_stale(tmp_path, "tenants", "lab")
    assert list(lock.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("project", "stack", "hostname"),
    [("tenants", "lab", "another"), ("tenants", "lab-ha", ""), ("platform", "lab", "")],
)
def test_what_another_machine_or_stack_holds_stays(
    locked: Callable[..., Path], tmp_path: Path, project: str, stack: str, hostname: str
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = locked(gone.pid, hostname or socket.gethostname())
    release_stale(tmp_path, project, stack)
    assert lock.exists()
