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
import yaml

from amalgam.lab.dead_man_switch.install import FOLDER, PORT, UNIT, install
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.waiting import wait_until

OWN_PORT = 29095
CALL = {"status": "firing", "alerts": [{"labels": {"alertname": "Watchdog", "cluster": "lab"}}]}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[IO[str]]:
    """What the receiver says, as it lies on a node, run here on another port."""
    install(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / FOLDER), "PORT": str(OWN_PORT)}
    command = [sys.executable, "-m", "lab_dead_man_switch"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        wait_until("it answers", lambda: _called(b"{}"), lambda status: status == 400, seconds=20)
        assert process.stdout
        yield process.stdout
        process.terminate()


def _called(body: bytes) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{OWN_PORT}/", data=body)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_call_is_told_with_who_called(journal: IO[str]) -> None:
    assert _called(json.dumps(CALL).encode()) == 200
    assert journal.readline() == "called by lab/Watchdog\n"


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", json.dumps(CALL | {"status": "resolved"}).encode()])
def test_what_is_no_call_is_refused_and_not_told(journal: IO[str], body: bytes) -> None:
    assert _called(body) == 400
    assert _called(json.dumps(CALL).encode()) == 200
    assert journal.readline() == "called by lab/Watchdog\n"


def test_each_boot_starts_it_where_the_labs_alertmanager_calls(tmp_path: Path) -> None:
    install(tmp_path)
    units = tmp_path / "etc/systemd/system"
    assert f"PORT={PORT}" in (units / f"{UNIT}.service").read_text()
    assert (units / f"multi-user.target.wants/{UNIT}.service").is_symlink()
    settings = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/alertmanager.yml").read_text())
    assert settings["alertmanager_watchdog_webhook"] == f"http://127.0.0.1:{PORT}/"
