"""What long work tells whoever watches, from any of its threads."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One thing after the other: a phase with so many bytes to do, then how many were done."""

    def phase(self, name: str, total: int) -> None:
        """The next ``total`` bytes are about ``name``."""

    def advance(self, count: int) -> None:
        """So many bytes more are done."""


class Quiet:
    """Tells nobody."""

    def phase(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""
