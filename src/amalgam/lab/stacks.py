"""What Pulumi keeps of a lab beside its programs: ``Pulumi.<site>.yaml`` in each project, the settings of a stack."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from amalgam.lab.names import Names

_LAB_SETTINGS = re.compile(r"^lab:", re.MULTILINE)


def settings_files(names: Names) -> list[Path]:
    """The settings of stacks whose inventory has lab settings: worth nothing without the lab, where their state is."""
    return [file for file in sorted((names.root / "pulumi").glob("*/Pulumi.*.yaml")) if _is_of_a_lab(file)]


def remove_settings(names: Names) -> None:
    """Remove them."""
    for file in settings_files(names):
        file.unlink()


def _is_of_a_lab(file: Path) -> bool:
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError:
        return False
    config = content.get("config") if isinstance(content, dict) else None
    inventories = [str(value) for key, value in (config or {}).items() if key.endswith(":inventory")]
    return any(_has_lab_settings(Path(inventory)) for inventory in inventories)


def _has_lab_settings(inventory: Path) -> bool:
    return any(_LAB_SETTINGS.search(file.read_text()) for file in inventory.glob("group_vars/all/*.yml"))
