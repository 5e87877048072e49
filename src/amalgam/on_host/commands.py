"""Other programs of the host."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from amalgam.on_host.program import HostError


class Ran(NamedTuple):
    """How a command ended."""

    rc: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """What it complained of, or else what it said."""
        return self.err.strip() or self.out.strip() or f"exit code {self.rc}"


def run(command: list[str], **environment: str) -> Ran:
    """Run a command to its end, without input, and with ``environment`` besides what there is.

    Raises:
        HostError: there is no such program, or it cannot be run.
    """
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=os.environ | environment,
        )
    except OSError as error:
        raise HostError(f"`{' '.join(command)}` failed: {error}; install {command[0]} on this host first") from error
    return Ran(done.returncode, done.stdout, done.stderr)
