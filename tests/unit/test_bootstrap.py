"""The script that sets a bare machine up, with stand-ins for apt, dpkg and Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.paths import project_root

_STAND_INS = {
    "dpkg-query": "[ -e installed ] && echo installed",
    "dpkg": "echo arm64",
    # Its last line is looked at by whoever waits, and until then it takes its time.
    "apt-get": (
        'echo "apt-get $1" >>log; echo "Unpacking gcc"; '
        '[ "$1" = update ] || { until [ -e told ]; do sleep 0.1; done; touch installed; }'
    ),
    "tail": '/usr/bin/tail "$@" | grep Unpacking && grep -q install log && touch told',
    "python3": (
        "mkdir --parents .venv/bin && cp pip .venv/bin/pip && touch .venv/bin/python && chmod +x .venv/bin/python"
    ),
    "pip": 'echo pip >>log; echo "Collecting numpy"; [ ! -e broken ] || { echo "no such package" >&2; exit 1; }',
}

Bootstrap = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def bootstrap(tmp_path: Path) -> Bootstrap:
    for name in ("scripts", "requirements", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(project_root() / "scripts/bootstrap.sh", tmp_path / "scripts")
    (tmp_path / "requirements/dev.lock").write_text("numpy\n")
    (tmp_path / "pyproject.toml").write_text("")
    for name, body in _STAND_INS.items():
        file = tmp_path / name if name == "pip" else tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def run() -> subprocess.CompletedProcess[str]:
        (tmp_path / "log").write_text("")
        environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "BOOTSTRAP_EVERY": "1"}
        command = [str(tmp_path / "scripts/bootstrap.sh")]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_whoever_waits_is_told_for_how_long_and_what_is_being_done(bootstrap: Bootstrap, tmp_path: Path) -> None:
    done = bootstrap()

    assert done.returncode == 0, done.stderr
    told = re.search(r"^ +(\d+) s  Debian packages: Unpacking gcc$", done.stdout, re.MULTILINE)
    ended = re.search(r"^ +(\d+) s  Debian packages: done$", done.stdout, re.MULTILINE)
    assert told
    assert ended
    assert 1 <= int(told[1]) <= int(ended[1])
    assert (tmp_path / "log").read_text().splitlines() == ["apt-get update", "apt-get install", "pip", "pip"]


def test_nothing_is_done_twice(bootstrap: Bootstrap, tmp_path: Path) -> None:
    bootstrap()
    again = bootstrap()

    assert (again.returncode, again.stdout, (tmp_path / "log").read_text()) == (0, "", "")


def test_a_failure_shows_what_the_program_said_and_is_no_success(bootstrap: Bootstrap, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    done = bootstrap()

    assert done.returncode == 1
    assert "no such package" in done.stderr
    assert done.stderr.count("Python packages failed") == 3, "an index that stumbles is well again soon"
    assert done.stderr.endswith("mend the cause and run it again\n")
    assert not (tmp_path / ".venv/.wanted").exists()
