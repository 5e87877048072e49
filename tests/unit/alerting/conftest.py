"""Prometheus' own tools, out of the packages that the lock names, and the rules as a site gets them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from amalgam.bundle.components import load_components
from amalgam.bundle.debs import Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.host import host_arch
from amalgam.monitoring.alerts import rule_files
from amalgam.paths import cache_dir
from amalgam.pins import load_lock

ROOT = Path(__file__).parents[3]
RUNBOOKS = "https://monitoring.example.internal:8445/runbooks/RULE.md"
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager", "prometheus": "prometheus"}


def _program(name: str) -> str:
    """Unpacked beside the bundle's other parts: nothing is installed, and no service starts."""
    lock, package = load_lock(), PACKAGES[name]
    if package in lock.debian[host_arch()]:
        fetcher = Fetcher(cache_dir() / "downloads")
        debs = Debs(cache_dir(), fetcher, lock, load_components(ROOT).debian.release)
        return str(debs.sysroot(host_arch(), [package]) / "usr" / "bin" / name)
    found = shutil.which(name)
    assert found, f"{name}: neither is {package} in versions/lock.yml nor the program on PATH"
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    return _program("promtool")


@pytest.fixture(scope="session")
def amtool() -> str:
    return _program("amtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    return _program("prometheus")


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files of rules of a site that changes nothing, and all alerts enabled."""
    folder = tmp_path_factory.mktemp("rules")
    for name, content in rule_files({"EtcdBackupMissing": {"enabled": True}}, RUNBOOKS).items():
        (folder / f"{name}.yml").write_text(content, encoding="utf-8")
    return folder


def said(*command: str | Path) -> tuple[int, str]:
    """Exit code and output of a program."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
