"""What a tool writes is what it would write now.

Seen in kubespray, which has a guard for its table of checksums since versions were raised without it; and in
repositories whose lock of Python packages lacks a dependency that pyproject.toml has gained.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contract.repository import ROOT, files_below, text

_ENTRY = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)", re.MULTILINE)
CONTROLLER, DEV = "requirements/controller.lock", "requirements/dev.lock"
# Of pyproject.toml with these extras, or of the requirements in a file.
LOCKS: dict[str, list[str] | str] = {
    CONTROLLER: [],
    DEV: ["dev"],
    **{str(each.with_suffix(".lock")): str(each) for each in files_below("requirements", suffixes=(".in",))},
}


def _locked(lock: str) -> dict[str, tuple[str, str]]:
    return {canonicalize_name(name): (version, hashes) for name, version, hashes in _ENTRY.findall(text(Path(lock)))}


def _wanted(source: list[str] | str) -> set[str]:
    if isinstance(source, str):
        lines = [line for line in text(Path(source)).splitlines() if line and not line.startswith("#")]
    else:
        project = tomllib.loads(text(Path("pyproject.toml")))["project"]
        lines = project["dependencies"] + [line for extra in source for line in project["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_the_lock_is_what_the_pins_make_of_it() -> None:
    done = subprocess.run(["amalgam", "lock", "check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lock", LOCKS)
def test_a_python_lock_has_what_the_project_asks_for(lock: str) -> None:
    assert _wanted(LOCKS[lock]) - set(_locked(lock)) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_python_package_has_a_checksum(lock: str) -> None:
    names = re.findall(r"^[A-Za-z0-9][\w.-]*", text(Path(lock)), re.MULTILINE)
    locked = _locked(lock)
    assert len(names) == len(locked), "an entry without an exact version"
    assert [name for name, (_, hashes) in locked.items() if not hashes] == []


def test_every_python_lock_is_looked_at() -> None:
    assert {str(file) for file in files_below("requirements", suffixes=(".lock",))} == set(LOCKS)


def test_the_controller_runs_what_was_tested() -> None:
    controller, dev = _locked(CONTROLLER), _locked(DEV)
    assert {name: pin for name, pin in controller.items() if dev.get(name) != pin} == {}
