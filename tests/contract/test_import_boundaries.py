"""Imports go one way: amalgam <- amalgam_stacks <- pulumi, amalgam <- amalgam_pulumi,
amalgam <- amalgam_ansible <- plugins.

What runs on a host needs Python alone.

Seen in 2i2c's infrastructure, which enforces it with a hook after cycles made its parts impossible to test alone; and
in collections whose modules import the controller's package and so fail on every host that lacks it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.repository import files_below, text

OURS_ABOVE = ("amalgam_pulumi", "amalgam_stacks")
ANSIBLE = ("ansible", "amalgam_ansible")
ON_HOST = "amalgam.on_host"
# (who, what it may not import)
FORBIDDEN = [
    (
        "src/amalgam",
        {"ansible", "pulumi", "pulumi_kubernetes", *OURS_ABOVE, "amalgam_ansible", "molecule", "pytest", "tests"},
    ),
    ("src/amalgam_stacks", {*ANSIBLE, "amalgam_pulumi", "tests"}),
    ("pulumi", {*ANSIBLE, "amalgam_pulumi", "tests"}),
    # Programs run in their own environment, the plugin beside the engine: neither knows the other's SDK.
    ("src/amalgam_pulumi", {*ANSIBLE, "amalgam_stacks", "pulumi_kubernetes", "tests"}),
    ("src/amalgam_ansible", {*OURS_ABOVE, "pulumi", "tests"}),
    ("plugins/action", {*OURS_ABOVE, "pulumi", "tests"}),
    ("plugins/callback", {*OURS_ABOVE, "pulumi", "tests"}),
    ("plugins/filter", {*OURS_ABOVE, "pulumi", "tests"}),
    ("plugins/vars", {*OURS_ABOVE, "pulumi", "tests"}),
]


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def _python(folder: str) -> list[Path]:
    return files_below(folder, suffixes=(".py",))


@pytest.mark.parametrize(("folder", "forbidden"), FORBIDDEN, ids=[folder for folder, _ in FORBIDDEN])
def test_imports_go_one_way(folder: str, forbidden: set[str]) -> None:
    wrong = [
        f"{file}: {name}"
        for file in _python(folder)
        for name in _imports(text(file))
        if name.split(".")[0] in forbidden
    ]
    assert wrong == []


def test_what_runs_on_a_host_needs_python_alone() -> None:
    files = _python("src/amalgam/on_host")
    assert files
    wrong = [
        f"{file}: {name}"
        for file in files
        for name in _imports(text(file))
        if name.split(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith(f"{ON_HOST}.")
    ]
    assert wrong == []


def test_pins_are_read_without_the_builder() -> None:
    """The vars plugin reads them at every run."""
    names = set(_imports(text(Path("src/amalgam/pins.py"))))
    ours = {name for name in names if name.startswith("amalgam")}
    assert ours <= {"amalgam.errors", "amalgam.paths"}


def test_an_import_inside_a_function_is_seen() -> None:
    assert "ansible.errors" in set(_imports("def f():\n    from ansible.errors import AnsibleError\n"))
