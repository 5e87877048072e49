"""Prometheus' own programs, out of the packages that the lock names: nothing is installed, and no service starts."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from functools import cache
from pathlib import Path

from amalgam.bundle.components import load_components
from amalgam.bundle.debs import Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.host import host_arch
from amalgam.paths import cache_dir
from amalgam.pins import load_lock

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


@cache
def program(name: str) -> str:
    """Path of a program, of the version that hosts get."""
    lock, package = load_lock(), PACKAGES[name]
    if package in lock.debian[host_arch()]:
        fetcher = Fetcher(cache_dir() / "downloads")
        debs = Debs(cache_dir(), fetcher, lock, load_components(ROOT).debian.release)
        cache_dir().mkdir(parents=True, exist_ok=True)
        # The first test of each process wants it at the same time.
        with (cache_dir() / "programs-of-tests.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            return str(debs.sysroot(host_arch(), [package]) / "usr" / "bin" / name)
    found = shutil.which(name)
    assert found, f"{name}: neither is {package} in versions/lock.yml nor the program on PATH"
    return found


def said(*command: str | Path) -> tuple[int, str]:
    """Exit code and output of a program."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
