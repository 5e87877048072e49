"""`ansible-doc` shows what a plugin is for: its documents are YAML, and its examples are tasks that name it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

from tests.contract.repository import files_below, text

_DOCUMENTS = frozenset({"DOCUMENTATION", "EXAMPLES", "RETURN"})


def _documents(file: Path) -> dict[str, Any]:
    found = {}
    for line in ast.parse(text(file)).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id in _DOCUMENTS:
            found[line.targets[0].id] = yaml.safe_load(ast.literal_eval(line.value))
    return found


def test_every_plugin_is_documented_by_its_name() -> None:
    plugins = files_below("plugins/action", "plugins/callback", "plugins/vars", suffixes=(".py",))
    assert plugins
    assert [file for file in plugins if _documents(file)["DOCUMENTATION"]["name"] != file.stem] == []


def test_the_examples_of_an_action_are_tasks_that_name_it() -> None:
    for file in files_below("plugins/action", suffixes=(".py",)):
        examples = _documents(file)["EXAMPLES"]
        assert [task for task in examples if not {"name", file.stem} <= set(task)] == [], file
