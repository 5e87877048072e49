"""The tables of ``npu-smi``, which are made for people: widths and columns differ between drivers and chips."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .readings import CELSIUS, MEBIBYTES, MIB, OUTPUT, PERCENT, WATTS, Cells, Chip, ReadError, only_once, plain
from .tools import Answer, failed_status


class Place(NamedTuple):
    """Where a chip is: the card's number (``-i``), and the chip's on that card (``-c``)."""

    card: int
    chip: int


@dataclass(frozen=True)
class Npus:
    """Chips of a table, and the place of each."""

    chips: list[Chip]
    places: dict[Place, int]
    failures: list[ReadError] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    """Two lines of the table."""

    place: Place
    index: int | None
    values: dict[str, float]


_COLUMNS = 3
# Any other word for health is none that is known to be well or ill.
_HEALTH = {"ok": 1.0, "warning": 0.0, "alarm": 0.0, "critical": 0.0, "offline": 0.0}
_UNKNOWN_HEALTH = frozenset({"unknown", "na", "n/a", "-"})

_CARD = re.compile(r"(\d+)\s+[A-Za-z0-9]\S*")
_BUS = re.compile(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9]|NA|-")
_CHIP = re.compile(r"(\d+)(?:\s+(\d+))?")
_POWER = re.compile(r"(\S+)\s+(\S+)(?:\s+\S+\s*/\s*\S+|\s+\S+)?")
_SHARE = r"([^\s/]+)\s*/\s*([^\s/]+)"
_USE = re.compile(rf"(\S+)\s+{_SHARE}(?:\s+{_SHARE})?")
_WORDS_OF_MAP = re.compile(r"\s{2,}|\t")


def npus(answer: Answer, mapped: Callable[[set[Place]], dict[Place, int]]) -> Npus:
    """The chips of ``npu-smi info``. ``mapped`` tells the indices of places where the table has no column for them.

    Raises:
        ReadError: there are none in it.
    """
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in answer.lines()]
    header = next((number for number, row in enumerate(rows) if _is_header(row)), None)
    if header is None:
        raise failed_status(answer) if answer.status else ReadError(OUTPUT, "npu-smi printed no table of chips")
    failures: list[ReadError] = []
    numbered = bool(re.search(r"phy-?id|device", rows[header][0], re.IGNORECASE))
    found = list(_rows(rows[header + 1 :], numbered, failures))
    if not found:
        raise failures[0] if failures else ReadError(OUTPUT, "npu-smi printed a table without chips")
    unnumbered = {row.place for row in found if row.index is None}
    indices = mapped(unnumbered) if unnumbered else {}
    chips, places = [], {}
    for row in found:
        index = indices.get(row.place) if row.index is None else row.index
        if index is None:
            failures.append(
                ReadError(OUTPUT, f"nobody knows the index of chip {row.place.chip} of card {row.place.card}")
            )
        else:
            chips.append(Chip(index, values=row.values))
            places[row.place] = index
    return Npus(only_once(chips), places, failures)


def _rows(rows: list[list[str]], numbered: bool, failures: list[ReadError]) -> Iterator[_Row]:
    """The chips below the header, two lines each."""
    card: list[str] | None = None
    for row in rows:
        if len(row) > _COLUMNS:
            break  # The table of processes.
        if len(row) < _COLUMNS:
            continue  # A line between chips.
        if card is None:
            card = row
        elif chip := _chip(card, row, numbered, failures):
            yield chip
            card = None
        else:
            failures.append(ReadError(OUTPUT, f"not a chip: {' | '.join([*card, *row])!r}"))
            # Where a line was lost, the next card's first is where this one's second should be.
            card = row if _CARD.fullmatch(row[0]) else None
    if card is not None:
        failures.append(ReadError(OUTPUT, f"half a chip: {' | '.join(card)!r}"))


def _is_header(row: list[str]) -> bool:
    return len(row) == _COLUMNS and row[0].startswith("Chip") and row[1].startswith("Bus-Id")


def _chip(card: list[str], chip: list[str], numbered: bool, failures: list[ReadError]) -> _Row | None:
    """The chip of two lines; None where they are none."""
    first, second = _CARD.fullmatch(card[0]), _CHIP.fullmatch(chip[0])
    power, use = _POWER.fullmatch(card[2]), _USE.fullmatch(chip[2])
    if not (first and second and power and use) or numbered != (second[2] is not None) or not _BUS.fullmatch(chip[1]):
        return None
    taken = Cells(failures)
    taken.take("power", power[1], WATTS)
    taken.take("temperature", power[2], CELSIUS)
    taken.take("utilization", use[1], PERCENT, 0.01)
    # A chip has memory of one kind or the other; of the other it has a total of nothing.
    used, total = (use[4], use[5]) if use[5] and plain(use[5]) != "0" else (use[2], use[3])
    taken.take("memory_used", used, MEBIBYTES, MIB)
    taken.take("memory_total", total, MEBIBYTES, MIB)
    taken.drop_memory_in_doubt()
    health = plain(card[1])
    if health in _HEALTH:
        taken.values["healthy"] = _HEALTH[health]
    elif health not in _UNKNOWN_HEALTH:
        failures.append(ReadError(OUTPUT, f"health is {card[1]!r}"))
    return _Row(Place(int(first[1]), int(second[1])), int(second[2]) if numbered else None, taken.values)


def places(answer: Answer) -> dict[Place, int]:
    """The driver's number of each place, by ``npu-smi info -m``: the physical one where it has both.

    Raises:
        ReadError: it does not say.
    """
    table = [_WORDS_OF_MAP.split(line.strip()) for line in answer.require_success().lines() if line.strip()]
    names = table[0] if table else []
    wanted = next((name for name in ("Chip Phy-ID", "Chip Logic ID") if name in names), None)
    if wanted is None or not {"NPU ID", "Chip ID"} <= set(names):
        raise ReadError(OUTPUT, "npu-smi does not say how its chips are numbered")
    columns = [names.index(name) for name in ("NPU ID", "Chip ID", wanted)]
    found = {}
    for row in table[1:]:
        numbers = [row[column] if column < len(row) else "" for column in columns]
        # The card's controller is among them, without a number.
        if all(text.isdecimal() for text in numbers):
            found[Place(int(numbers[0]), int(numbers[1]))] = int(numbers[2])
    return found
