"""The one error type people see: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class AmalgamError(Exception):
    """A failure a person can act on.

    Args:
        what: what is wrong, one sentence.
        where: file, line or key, or host that it concerns.
        remedy: what to do.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        """Keep the three parts apart, for those who print them otherwise."""
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        """One line per part: where and what, then the remedy."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  remedy: {self.remedy}" if self.remedy else head


@contextmanager
def told_as(kind: Callable[[str], Exception]) -> Iterator[None]:
    """Within it, an :class:`AmalgamError` becomes the error of whoever called: Ansible knows its own kind only."""
    try:
        yield
    except AmalgamError as error:
        raise kind(str(error)) from None
