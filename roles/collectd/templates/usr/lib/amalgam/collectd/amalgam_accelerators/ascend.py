"""Ascend NPUs: the table of ``npu-smi info``, which is one call for all chips, and what it lacks from calls for each.

Source: Huawei's npu-smi and hccn_tool command references, and tables that users of drivers 21 to 26 have shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .npu_table import Place, npus, places
from .readings import COUNT, OUTPUT, TIMEOUT, Chip, ReadError, Reading, number
from .tools import Answer, Tool, failed_status

RESOURCES = ("huawei.com/",)

_DOUBLE_BIT = re.compile(r"\s*(?:DDR|HBM) Double Bit Error Count\s*:\s*(\S+)\s*")
_LINK = re.compile(r"\s*link status\s*:\s*(\S+)\s*", re.IGNORECASE)
_UNSUPPORTED = re.compile(r"not support", re.IGNORECASE)


def double_bit_errors(answer: Answer) -> float | None:
    """Uncorrectable errors of all memories of a chip, by the answer to ``info -t ecc``; None where it has no ECC.

    Raises:
        ReadError: the answer is none.
    """
    if _UNSUPPORTED.search(answer.text):
        return None
    counts = [found[1] for line in answer.require_success().lines() if (found := _DOUBLE_BIT.fullmatch(line))]
    if not counts:
        raise ReadError(OUTPUT, "no count of double bit errors")
    known = [count for text in counts if (count := number(text, COUNT)) is not None]
    return sum(known) if known else None


def link_up(answer: Answer) -> float | None:
    """Whether the network port of a chip is up, by the answer to ``hccn_tool -link -g``; None where it has none.

    Raises:
        ReadError: the answer is none.
    """
    if _UNSUPPORTED.search(answer.text):
        return None
    for line in answer.require_success().lines():
        if found := _LINK.fullmatch(line):
            state = found[1].upper()
            if state in ("UP", "DOWN"):
                return float(state == "UP")
    raise ReadError(OUTPUT, f"no state of a link in {answer.text.strip()[:200]!r}")


@dataclass
class Ascend:
    """The NPUs of this host."""

    timeout: float
    search_path: str
    with_links: bool = True
    vendor: str = "ascend"
    resources: tuple[str, ...] = RESOURCES
    _npu_smi: Tool = field(init=False, repr=False)
    _hccn_tool: Tool = field(init=False, repr=False)
    # What chips there were in the last table, and the driver's numbers of places, asked for when one is new.
    _places: dict[Place, int] = field(default_factory=dict, repr=False)
    _map: dict[Place, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Find the tools when they are wanted: drivers come and go."""
        self._npu_smi = Tool("npu-smi", self.timeout, self.search_path)
        self._hccn_tool = Tool("hccn_tool", self.timeout, self.search_path)

    def read(self) -> Reading:
        """All NPUs, with what the table says.

        Raises:
            ReadError: nothing is to be had.
        """
        answer = self._npu_smi.run("info")
        found = npus(answer, self._mapped)
        self._places = found.places
        failures = [*found.failures, *([] if answer.status == 0 else [failed_status(answer)])]
        return Reading(found.chips, failures)

    def read_seldom(self) -> Reading:
        """What takes a call for each chip.

        Raises:
            ReadError: nothing is to be had.
        """
        failures: list[ReadError] = []
        chips = []
        with_links = self.with_links and self._hccn_tool.is_there()
        for place, index in sorted(self._places.items(), key=lambda item: item[1]):
            values: dict[str, float] = {}
            try:
                errors = double_bit_errors(self._topic("ecc", place))
                values.update({} if errors is None else {"ecc_errors": errors})
                up = link_up(self._hccn_tool.run("-i", str(index), "-link", "-g")) if with_links else None
                values.update({} if up is None else {"link_up": up})
            except ReadError as failure:
                failures.append(failure)
                # The next chips would be waited for as long.
                if failure.reason == TIMEOUT:
                    break
            chips.append(Chip(index, values=values))
        return Reading(chips, failures)

    def _topic(self, topic: str, place: Place) -> Answer:
        return self._npu_smi.run("info", "-t", topic, "-i", str(place.card), "-c", str(place.chip))

    def _mapped(self, wanted: set[Place]) -> dict[Place, int]:
        """Index of each place as the driver numbers its devices."""
        if not wanted <= self._map.keys():
            self._map = places(self._npu_smi.run("info", "-m"))
        return self._map
