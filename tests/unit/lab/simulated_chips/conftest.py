"""A node's simulated chips, described as the lab describes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from amalgam.lab.simulated_chips.install import describe
from amalgam.lab.simulated_chips.on_node.machine import Machine

MakeMachine = Callable[[str], Machine]


@pytest.fixture
def make_machine(tmp_path: Path) -> MakeMachine:
    def make(accelerator: str) -> Machine:
        description = tmp_path / "machine.json"
        description.write_text(json.dumps(describe("node1", accelerator)))
        return Machine.read(description, tmp_path / "state" / "readings.json")

    return make
