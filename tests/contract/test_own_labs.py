"""The inventories that tests make for labs of their own are valid site data: no minute of a lab is spent to see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amalgam.models.site import load_site
from tests.bench.sites import HOSTS, SETTINGS
from tests.e2e.support.own_lab import Groups, groups_of, variables_of, write_inventory
from tests.e2e.test_bare_and_interrupted import GROUPS as BARE
from tests.e2e.test_lab_down import GROUPS as DOWN
from tests.soak.test_heterogeneous import TOPOLOGY, lab_settings
from tests.soak.test_shapes import SHAPES

LABS: dict[str, tuple[Groups, dict[str, Any]]] = {
    "bare": (BARE, {}),
    "down": (DOWN, {}),
    "bench": (HOSTS, SETTINGS),
    **{name: (groups_of(name), variables_of(name)) for name in SHAPES},
    TOPOLOGY: (groups_of(TOPOLOGY), variables_of(TOPOLOGY) | lab_settings()),
}


@pytest.mark.parametrize(("groups", "variables"), LABS.values(), ids=LABS.keys())
def test_the_inventory_of_an_own_lab_is_valid(groups: Groups, variables: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "inventories" / "own"
    folder.mkdir(parents=True)
    write_inventory(folder, groups, variables)
    hosts = {name for listed in groups.values() for name in listed}
    assert {host.name for host in load_site(folder).hosts} == hosts
