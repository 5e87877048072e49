from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from amalgam.lab.leftovers import leftovers
from amalgam.lab.names import Names
from amalgam.lab.stacks import remove_settings
from amalgam.paths import project_root


def _stack(names: Names, site: str, inventory: Path | None) -> Path:
    file = names.root / "pulumi" / "tenants" / f"Pulumi.{site}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    config = {"config": {"amalgam-tenants:inventory": str(inventory)}} if inventory else {}
    file.write_text(yaml.safe_dump({"encryptionsalt": "v1:salt", **config}))
    return file


@pytest.fixture
def stacks(names: Names) -> dict[str, Path]:
    inventories = project_root() / "inventories"
    (names.root / "pulumi" / "tenants").mkdir(parents=True)
    (names.root / "pulumi" / "tenants" / "Pulumi.yaml").write_text("name: amalgam-tenants\n")
    return {
        "lab": _stack(names, "lab", inventories / "lab"),
        "real": _stack(names, "real", inventories / "reference-gpu"),
        "gone": _stack(names, "gone", Path("/not/there")),
        "begun": _stack(names, "begun", None),
    }


def test_the_settings_of_a_lab_s_stack_are_left_over_and_go_with_it(names: Names, stacks: dict[str, Path]) -> None:
    assert [line for line in leftovers(names) if "stack" in line] == [f"settings of a stack {stacks['lab']}"]

    remove_settings(names)

    assert [name for name, file in stacks.items() if not file.exists()] == ["lab"]
    assert (stacks["real"].parent / "Pulumi.yaml").exists()
    assert [line for line in leftovers(names) if "stack" in line] == []


def test_what_is_no_settings_file_is_no_reason_to_fail(names: Names, stacks: dict[str, Path]) -> None:
    stacks["begun"].write_text("{")
    stacks["gone"].write_text("[]")
    assert [line for line in leftovers(names) if "stack" in line] == [f"settings of a stack {stacks['lab']}"]
