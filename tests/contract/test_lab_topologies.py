"""``make lab`` brings up the lab of the topology that is named, and that of the GPUs where none is."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.contract.repository import ROOT

# What a `make` around the tests was told is not for this one.
_OF_OTHERS = ("INVENTORY", "MAKEFLAGS", "MFLAGS", "TOPOLOGY")


@pytest.mark.parametrize(
    ("words", "inventory"),
    [
        ([], "inventories/lab"),
        (["TOPOLOGY=reference-gpu"], "inventories/lab"),
        (["TOPOLOGY=reference-heterogeneous"], "inventories/lab-heterogeneous"),
    ],
)
def test_every_step_of_a_lab_takes_the_inventory_of_its_topology(words: list[str], inventory: str) -> None:
    variables = {name: value for name, value in os.environ.items() if name not in _OF_OTHERS}
    # It says what it would do, and does nothing.
    dry = ["make", "--dry-run", "lab", *words]
    said = subprocess.run(dry, cwd=ROOT, env=variables, check=True, capture_output=True, text=True).stdout
    # Bundle, nodes, site and platform.
    assert re.findall(r"--inventory (\S+)", said) == [inventory] * 4
    assert (ROOT / inventory / "hosts.yml").is_file()
