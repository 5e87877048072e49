"""What is wrong with a value that a site gave, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amalgam.errors import AmalgamError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake, with its place inside the value."""

    path: KeyPath
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Place, reason and remedy in one line."""
        return f"{'.'.join(map(str, self.path))}: {self.reason}; {self.remedy}"


def refuse(problems: Sequence[Problem], variable: str) -> None:
    """Nothing where there are no problems.

    Raises:
        AmalgamError: names all of them.
    """
    if problems:
        listed = "\n".join(f"  {variable}.{problem}" for problem in problems)
        remedy = "mend them; nothing was changed"
        raise AmalgamError(f"{len(problems)} of its values cannot be used\n{listed}", where=variable, remedy=remedy)
