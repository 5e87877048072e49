"""Chips and what was read of them, and how a tool's words become numbers: a value that is in doubt is no value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MIB = 1024 * 1024

# What the vendors' tools print instead of a number that they do not have.
_ABSENT = frozenset({"", "-", "na", "n/a", "not supported", "not available", "deprecated", "disabled"})
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

# The least and the most that a reading can be. Drivers print 65535, 2^31 - 1 and the like for what they could not read.
PERCENT = (0.0, 100.0)
CELSIUS = (-40.0, 150.0)
WATTS = (0.0, 5000.0)
MEBIBYTES = (0.0, 16.0 * 1024 * 1024)
COUNT = (0.0, 2.0**31 - 2)

TIMEOUT, MISSING, STATUS, OUTPUT, ALLOCATIONS = "timeout", "missing", "status", "output", "allocations"
REASONS = (MISSING, TIMEOUT, STATUS, OUTPUT, ALLOCATIONS)


class ReadError(Exception):
    """A reading that was not to be had: for one of ``REASONS``, with what there is to say of it."""

    def __init__(self, reason: str, text: str) -> None:
        """``reason`` is one of ``REASONS``."""
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Chip:
    """One chip and its values, by type of our types.db less its prefix."""

    index: int
    uuid: str = ""
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What one look at the chips gave: values, and what of it could not be understood."""

    chips: list[Chip]
    failures: list[ReadError] = field(default_factory=list)


def plain(text: str) -> str:
    """A cell without the brackets, blanks and capitals that differ between drivers."""
    return text.strip().strip("[]").strip().lower()


def number(text: str, limits: tuple[float, float]) -> float | None:
    """The number in a cell; None where the tool says that it has none.

    Raises:
        ReadError: it is neither, or out of its limits.
    """
    word = plain(text)
    if word in _ABSENT:
        return None
    if not _NUMBER.fullmatch(word):
        raise ReadError(OUTPUT, f"{text.strip()!r} is no number")
    value = float(word)
    if not limits[0] <= value <= limits[1]:
        raise ReadError(OUTPUT, f"{text.strip()!r} is not between {limits[0]:g} and {limits[1]:g}")
    return value


@dataclass
class Cells:
    """Collects the values of one chip from cells, and the failures of those that are broken."""

    failures: list[ReadError]
    values: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, text: str, limits: tuple[float, float], factor: float = 1.0) -> None:
        """Take in one cell, if there is a number in it."""
        try:
            value = number(text, limits)
        except ReadError as failure:
            self.failures.append(failure)
            return
        if value is not None:
            self.values[name] = round(value * factor, 6)

    def drop_memory_in_doubt(self) -> None:
        """Without a total, or with more used than there is, neither is to be trusted."""
        total = self.values.get("memory_total", 0.0)
        if total <= 0.0 or self.values.get("memory_used", 0.0) > total:
            if "memory_used" in self.values:
                self.failures.append(ReadError(OUTPUT, "more memory is used than there is"))
            self.drop("memory_total", "memory_used")

    def drop(self, *names: str) -> None:
        """Leave values out after all."""
        for name in names:
            self.values.pop(name, None)


def only_once(chips: Iterable[Chip]) -> list[Chip]:
    """The chips in their order.

    Raises:
        ReadError: two of them have the same index, so that nobody knows whose values are whose.
    """
    by_index: dict[int, Chip] = {}
    for chip in chips:
        if chip.index in by_index:
            raise ReadError(OUTPUT, f"chip {chip.index} is there twice")
        by_index[chip.index] = chip
    return [by_index[index] for index in sorted(by_index)]
