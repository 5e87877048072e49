"""What several soak tests need: it takes half an hour the first time, and seconds then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.support.checkout import program
from tests.e2e.support.nodes import run_local


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The bundle of both architectures."""
    build = [program("amalgam"), "bundle", "build", "--arch", "amd64", "--arch", "arm64", "--json"]
    return Path(json.loads(run_local(build, seconds=3500).stdout)["path"])
