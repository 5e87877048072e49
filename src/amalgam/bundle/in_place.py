"""A finished folder gets to its place in one step, whoever else makes the same one."""

from __future__ import annotations

from pathlib import Path


def put_in_place(made: Path, target: Path, *, proof: str = ".") -> None:
    """Rename a finished folder to its place, or leave there what another process has put there meanwhile.

    Args:
        made: the folder; it stays where it is when it was not the first.
        target: its place, on the same file system.
        proof: path within the folder that a whole one has.

    Raises:
        OSError: there is something else.
    """
    try:
        made.rename(target)
    except OSError:
        if not (target / proof).exists():
            raise
