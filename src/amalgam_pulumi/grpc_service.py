"""What every plugin of the engine does alike: listen on the loopback, print the port, read the engine's address."""

from __future__ import annotations

import sys


def announce(port: int) -> None:
    """Tell the engine, which reads the first line of standard output, where this plugin listens."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def engine_address(arguments: list[str]) -> str:
    """The engine's address among a plugin's ``arguments``: the one that is no option; empty where there is none."""
    return next((argument for argument in arguments if not argument.startswith("-")), "")
