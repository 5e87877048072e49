"""What every program on a host has in common: its input, its failures, and how its result gets out."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from typing import IO, Any, NamedTuple


class HostError(Exception):
    """A failure a person can act on: the message names what is wrong, where and the remedy."""


class Request(NamedTuple):
    """What an action wants of the host."""

    params: dict[str, Any]
    check_mode: bool
    diff: bool
    payload: IO[bytes] = io.BytesIO()
    """Bytes that came with it, such as parts of files."""


Program = Callable[[Request], dict[str, Any]]


def answer(program: Program, request: Request) -> str:
    """The program's result as a line of JSON, its failure too."""
    try:
        return json.dumps(program(request))
    except (HostError, OSError) as error:
        return json.dumps({"failed": True, "msg": str(error)})
    except Exception:
        import traceback  # what hardly ever happens

        return json.dumps({"failed": True, "msg": f"a fault in the program itself: {traceback.format_exc()}"})


def main(program: Program, request: Request) -> None:
    """Run the program; its result is all that standard output gets, whatever it or its children print."""
    with os.fdopen(os.dup(1), "w") as stdout:
        os.dup2(2, 1)
        stdout.write(answer(program, request) + "\n")
