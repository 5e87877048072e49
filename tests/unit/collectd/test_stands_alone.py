"""The plugin runs with nothing but Python 3.9 and what collectd gives it."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.unit.collectd.conftest import ROOT

FILES = sorted((ROOT / "roles/collectd/templates/usr/lib/amalgam/collectd").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_it_imports_nothing_but_python_collectd_and_its_neighbours(file) -> None:
    for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 9))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"collectd"}
        if isinstance(node, ast.ImportFrom) and node.level:
            assert (file.parent / f"{node.module}.py").exists()
