"""Every path that the repository names is there.

Seen in most peers: a README that names a script removed long ago, a comment that sends the reader to a page never
written, an error whose remedy is a file that does not exist.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.contract.repository import files, text

_TOP_FOLDERS = sorted({file.parts[0] for file in files() if len(file.parts) > 1})
_PATH = re.compile(
    r"(?<![\w./@:$}>{<*-])((?:" + "|".join(re.escape(name) for name in _TOP_FOLDERS) + r")/[\w.*/<>{}$-]*)"
)
_PLACEHOLDER = re.compile(r"[<>{}$]|\b[A-Z]{1,9}\b|\.\.\.")


def prose(file: Path) -> str:
    """What people read in a file: comments and strings of Python, comments of pins, all of any other file."""
    content = text(file)
    if file.parts[0] == "versions":  # its paths are those of the projects it names
        return "\n".join(line for line in content.splitlines() if line.lstrip().startswith("#"))
    if file.suffix != ".py":
        return content
    tokens = tokenize.generate_tokens(io.StringIO(content).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    tree = ast.parse(content)
    if file.parts[0] == "tests":  # the strings of tests are their cases
        return "\n".join([*comments, ast.get_docstring(tree) or ""])
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return "\n".join([*comments, *(value for value in constants if isinstance(value, str))])


@cache
def _known() -> frozenset[str]:
    return frozenset(str(path) for file in files() for path in (file, *file.parents))


def _named(content: str) -> Iterator[str]:
    for match in _PATH.finditer(content):
        name = match[1].rstrip("./-")
        if not _PLACEHOLDER.search(name):
            yield name


def _is_there(name: str) -> bool:
    return name in _known() or ("*" in name and any(fnmatch(known, name) for known in _known()))


@pytest.mark.parametrize("top", ["", *_TOP_FOLDERS])
def test_every_path_that_is_named_is_there(top: str) -> None:
    read = [file for file in files() if file.parts[0] == top or (not top and len(file.parts) == 1)]
    assert read
    assert [f"{file}: {name}" for file in read for name in _named(prose(file)) if not _is_there(name)] == []


def test_a_path_that_is_not_there_is_seen() -> None:
    content = (
        "see docs/nowhere.md, `roles/host_base`, roles/<noun>/x, inventories/SITE/hosts.yml and https://x/docs/y.md"
    )
    assert [name for name in _named(content) if not _is_there(name)] == ["docs/nowhere.md"]
