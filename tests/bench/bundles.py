"""How long a bundle takes: from a full cache, and from an empty one."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.report import Figure
from tests.e2e.support.checkout import ROOT, program

WARM_SECONDS = 15.0
COLD_SECONDS = 30 * 60.0


def warm() -> tuple[Figure, Path]:
    """Build it again with everything cached; its folder is what the sites are made from."""
    _build({})
    seconds, folder = _build({})
    return Figure("bundle, warm", seconds, WARM_SECONDS, "this machine's architecture"), folder


def cold() -> Figure:
    """Build it with an empty cache, Go's included."""
    with tempfile.TemporaryDirectory(prefix="amalgam-cold-") as cache:
        seconds, _ = _build({"XDG_CACHE_HOME": cache})
    return Figure("bundle, cold", seconds, COLD_SECONDS, "this machine's architecture, empty cache")


def _build(environment: dict[str, str]) -> tuple[float, Path]:
    began = time.monotonic()
    done = subprocess.run(
        [program("amalgam"), "bundle", "build", "--json"],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return time.monotonic() - began, Path(json.loads(done.stdout)["path"])
