"""Programs of :mod:`amalgam.on_host` on their way to a host, and their results on the way back.

All travels by standard input, for arguments can be read by every user of the host. An interpreter without site packages
that imports just what a program needs starts in a fifth of the time of an Ansible module.
"""

from __future__ import annotations

import ast
import json
import shlex
import zlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from amalgam.errors import AmalgamError

PACKAGE = "amalgam.on_host"
_BOOT = (
    "import json, sys, zlib; given = sys.stdin.buffer; "
    "sent = json.loads(zlib.decompress(given.read(int(given.readline())))); "
    'exec(sent["loader"]); start(sent, given)'
)


def command(interpreter: str) -> str:
    """The command line that takes a program from its standard input."""
    return f"{interpreter} -I -S -X utf8 -c {shlex.quote(_BOOT)}"


def packed(program: str, params: dict[str, Any], *, check_mode: bool, diff: bool) -> bytes:
    """A program and what is wanted of it, as the command line takes them. What follows is the program's to read."""
    request = {"params": params, "check_mode": check_mode, "diff": diff}
    sent = sources(program) | {"program": f"{PACKAGE}.{program}", "request": request}
    return framed(json.dumps(sent).encode())


def framed(content: bytes) -> bytes:
    """Compressed, behind a line with its length: bytes that are not compressed may follow."""
    compressed = zlib.compress(content, level=1)
    return b"%d\n%b" % (len(compressed), compressed)


def result(stdout: str, stderr: str, rc: int, *, interpreter: str) -> dict[str, Any]:
    """The result that a program wrote as its last line.

    Raises:
        AmalgamError: there is none, for the program was killed or could not start.
    """
    try:
        return dict(json.loads(stdout.rstrip().rpartition("\n")[2]))
    except (TypeError, ValueError):
        said = stderr.strip() or stdout.strip() or "nothing"
        raise AmalgamError(
            f"no result (exit code {rc}), but: {said}",
            where=interpreter,
            remedy="Python 3.11 or later is needed on the host; `ansible_python_interpreter` says where it is",
        ) from None


def modules(program: str) -> list[str]:
    """Every module that may be imported where ``program`` runs, in no order that matters."""
    found: list[str] = []
    ahead = [f"{PACKAGE}.program", f"{PACKAGE}.{program}"]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.append(name)
            ahead += _imported_by(_source(name))
    return found


@cache
def sources(program: str) -> dict[str, Any]:
    """The source of whatever may be imported where ``program`` runs, and of the loader, which finds it there."""
    packages = dict.fromkeys(["amalgam", PACKAGE], "")
    return {
        "loader": _source(f"{PACKAGE}.loader"),
        "sources": packages | {name: _source(name) for name in modules(program)},
    }


def _source(name: str) -> str:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise AmalgamError(f"{name} is no module", where=PACKAGE, remedy="correct the action's `program`")
    return Path(found.origin).read_text(encoding="utf-8")


def _imported_by(source: str) -> Iterator[str]:
    """The modules of the package that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            yield node.module
