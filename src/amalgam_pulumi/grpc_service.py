"""What every plugin of the engine does alike: say where it listens, know the engine's address, end with the engine."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading


def announce(port: int) -> None:
    """Tell the engine, which reads the first line of standard output, where this plugin listens."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def engine_address(arguments: list[str]) -> str:
    """The engine's address among a plugin's ``arguments``: the one that is no option; empty where there is none."""
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def end_with_engine() -> None:
    """Send this process SIGTERM as soon as the engine, which started it, has ended; a killed one gives no word."""
    engine = os.pidfd_open(os.getppid())

    def watch() -> None:
        select.select([engine], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
