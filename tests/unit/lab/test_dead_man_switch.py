from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from amalgam.lab.dead_man_switch.install import FOLDER, PORT, UNIT, URL_FILE, install
from tests.e2e.support.ports import reserved
from tests.e2e.support.waiting import wait_until

CALL = {"status": "firing", "alerts": [{"labels": {"alertname": "Watchdog", "cluster": "lab"}}]}


@pytest.fixture
def port() -> Iterator[int]:
    """Another port here than on a node."""
    with reserved() as own:
        yield own


@pytest.fixture
def url(tmp_path: Path, port: int) -> str:
    """Where it is called."""
    install(tmp_path / "upper", keep=tmp_path / "keep")
    return (tmp_path / "keep" / URL_FILE).read_text().replace(f":{PORT}/", f":{port}/")


@pytest.fixture
def journal(tmp_path: Path, url: str, port: int) -> Iterator[IO[str]]:
    """What the receiver says, as it lies on a node."""
    places = {"PYTHONPATH": tmp_path / "upper" / FOLDER, "CREDENTIALS_DIRECTORY": tmp_path / "upper/etc" / UNIT}
    environment = {**os.environ, **{key: str(place) for key, place in places.items()}, "PORT": str(port)}
    command = [sys.executable, "-m", "lab_dead_man_switch"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        wait_until("it answers", lambda: _called(url, b"{}"), lambda status: status == 400, seconds=20)
        assert process.stdout
        yield process.stdout
        process.terminate()


def _called(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, data=body)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_call_is_told_with_who_called(journal: IO[str], url: str) -> None:
    assert _called(url, json.dumps(CALL).encode()) == 200
    assert journal.readline() == "called by lab/Watchdog\n"


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", json.dumps(CALL | {"status": "resolved"}).encode()])
def test_what_is_no_call_is_refused_and_not_told(journal: IO[str], url: str, body: bytes) -> None:
    assert _called(url, body) == 400
    assert _called(f"{url}x", json.dumps(CALL).encode()) == 400
    assert _called(url, json.dumps(CALL).encode()) == 200
    assert journal.readline() == "called by lab/Watchdog\n"


def test_each_boot_starts_it_and_its_url_is_a_secret(tmp_path: Path, url: str) -> None:
    units = tmp_path / "upper/etc/systemd/system"
    assert f"PORT={PORT}" in (units / f"{UNIT}.service").read_text()
    assert (units / f"multi-user.target.wants/{UNIT}.service").is_symlink()
    for file in (tmp_path / "keep" / URL_FILE, tmp_path / "upper/etc" / UNIT / "path"):
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().endswith(url.rpartition("/")[2])
