"""Every test that is written is run.

Seen in peers: tests in files that the runner does not collect, in a class with a constructor, or shadowed by a second
test of the same name further down: green for years, and never run.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache

from tests.contract.repository import ROOT, files, text

Place = tuple[str, str]


@cache
def _collected() -> tuple[str, ...]:
    """Ids of all tests, lab or not."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "--quiet",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "tests",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return tuple(line for line in done.stdout.splitlines() if "::" in line)


def _functions(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}::")


def _written() -> Counter[Place]:
    python = [file for file in files() if file.suffix == ".py"]
    return Counter((str(file), name) for file in python for name in _functions(ast.parse(text(file)).body))


def test_every_test_is_collected() -> None:
    collected = {(file, name.partition("[")[0]) for file, _, name in (line.partition("::") for line in _collected())}
    assert len(collected) > 50
    assert sorted(set(_written()) - collected) == []


def test_no_test_is_shadowed_by_another_of_its_name() -> None:
    assert [place for place, times in _written().items() if times > 1] == []


def test_no_test_is_given_an_empty_list_of_cases() -> None:
    # Which hosts there are is the lab's to say: the smallest has no worker that is nothing else.
    assert [line for line in _collected() if "NOTSET" in line and not line.startswith("tests/testinfra/")] == []
