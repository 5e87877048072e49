"""The plugin as collectd loads it, from the folder that the role sends; what tools print; tools that print it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "collectd"

sys.path.insert(0, str(ROOT / "roles/collectd/templates/usr/lib/amalgam/collectd"))

MakeTool = Callable[[str, str], Path]


@pytest.fixture
def printed() -> Callable[..., object]:
    """The answer of a tool that printed a file of the fixtures."""
    from amalgam_accelerators.tools import Answer

    def read(name: str, status: int = 0) -> Answer:
        return Answer((FIXTURES / name).read_text(encoding="utf-8"), status)

    return read


@pytest.fixture
def make_tool(tmp_path: Path) -> MakeTool:
    """Puts a shell script of that name into a folder of tools; returns the folder."""
    folder = tmp_path / "tools"
    folder.mkdir()

    def make(name: str, script: str) -> Path:
        tool = folder / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        return folder

    return make
