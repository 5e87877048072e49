"""Every scenario of molecule passes on the installed lab, as `make molecule` runs it."""

from __future__ import annotations

import os

import pytest

from tests.e2e.support.checkout import PROGRAMS, ROOT, program
from tests.e2e.support.nodes import Lab, run_local

pytestmark = pytest.mark.timeout(1800)

# It owns the lab and tests nothing.
OWNER = "default"
SCENARIOS = sorted(file.parent.name for file in (ROOT / "molecule").glob("*/molecule.yml"))


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != OWNER])
def test_a_scenario_passes_on_the_installed_lab(lab: Lab, scenario: str) -> None:
    assert lab.inventory == ROOT / "inventories" / "lab", "the scenarios are for the lab of the GPU reference topology"
    # molecule starts ansible-playbook, pytest and our own command by name.
    path = f"{PROGRAMS}:{os.environ['PATH']}"

    done = run_local(
        [program("molecule"), "test", "--scenario-name", scenario],
        env={"PATH": path, "NO_COLOR": "1"},
        check=False,
        seconds=1700,
    )

    assert done.rc == 0, done.output[-6000:]
    assert lab.status()["state"] == "up", "the scenario took the lab down"
