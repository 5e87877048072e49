"""NVIDIA GPUs, by ``nvidia-smi``: its CSV has had the same fields under the same names since driver 418.

Source: https://docs.nvidia.com/deploy/nvidia-smi/, ``nvidia-smi --help-query-gpu``.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field

from .readings import (
    CELSIUS,
    COUNT,
    MEBIBYTES,
    MIB,
    OUTPUT,
    PERCENT,
    WATTS,
    Cells,
    Chip,
    ReadError,
    Reading,
    only_once,
    plain,
)
from .tools import Answer, Tool, failed_status

RESOURCES = ("nvidia.com/",)

# Field of --query-gpu -> (name of the value, its limits, factor to its unit). Index and UUID come before them.
_FIELDS: dict[str, tuple[str, tuple[float, float], float]] = {
    "temperature.gpu": ("temperature", CELSIUS, 1.0),
    "power.draw": ("power", WATTS, 1.0),
    "utilization.gpu": ("utilization", PERCENT, 0.01),
    "memory.used": ("memory_used", MEBIBYTES, MIB),
    "memory.total": ("memory_total", MEBIBYTES, MIB),
    # Since the driver was loaded. The aggregate would accuse a GPU of what happened to it years ago.
    "ecc.errors.uncorrected.volatile.total": ("ecc_errors", COUNT, 1.0),
}
_QUERY = ",".join(("index", "uuid", *_FIELDS))
# With one of these anywhere in its row a GPU has failed, and what else the row says is left over from before.
_FAILED = frozenset({"gpu is lost", "gpu requires reset"})
# With these for both, too; one of them alone is a sensor that some boards lack.
_SENSORS = ("temperature.gpu", "utilization.gpu")
_ERRORS = frozenset({"unknown error", "err!"})

_GPU = re.compile(r"GPU (\d+): .*\(UUID: (\S+?)\)")
_LINK = re.compile(r"\s*Link \d+: (.+?)\s*")


def gpus(answer: Answer) -> Reading:
    """The GPUs in the answer to ``--query-gpu``. One that is lost can make the tool end badly, and say the rest.

    Raises:
        ReadError: there is none in it.
    """
    failures = [] if answer.status == 0 else [failed_status(answer)]
    chips = []
    for row in csv.reader(answer.lines(), skipinitialspace=True):
        if chip := _gpu(row, failures):
            chips.append(chip)
        elif answer.status == 0:
            failures.append(ReadError(OUTPUT, f"not a GPU: {', '.join(row)[:200]!r}"))
    if not chips:
        raise failures[0] if failures else ReadError(OUTPUT, "nvidia-smi printed nothing")
    return Reading(only_once(chips), failures)


def _gpu(row: list[str], failures: list[ReadError]) -> Chip | None:
    if len(row) != len(_FIELDS) + 2 or not row[0].strip().isdecimal() or not row[1].strip().startswith("GPU-"):
        return None
    cells = dict(zip(_FIELDS, row[2:]))  # noqa: B905 - as many, which was checked; Python 3.9 has no strict
    words = {name: plain(text) for name, text in cells.items()}
    index, uuid = int(row[0]), row[1].strip()
    if _FAILED & set(words.values()) or all(words[name] in _ERRORS for name in _SENSORS):
        return Chip(index, uuid, {"healthy": 0.0})
    taken = Cells(failures)
    for name, (value, limits, factor) in _FIELDS.items():
        taken.take(value, cells[name], limits, factor)
    taken.drop_memory_in_doubt()
    if "temperature" in taken.values or "utilization" in taken.values:
        taken.values["healthy"] = 1.0
    return Chip(index, uuid, taken.values)


def links(answer: Answer) -> Reading:
    """Whether the GPUs' NVLinks are up, by the answer to ``nvlink --status``.

    GPUs that are alike have as many links: one is well with as many active ones as the best of them. Where none has an
    active link there is no bridge between them, and nothing to say.
    """
    active: dict[int, int] = {}
    uuids: dict[int, str] = {}
    current = None
    for line in answer.lines():
        if found := _GPU.match(line):
            current = int(found[1])
            uuids[current] = found[2]
        elif (found := _LINK.fullmatch(line)) and current is not None:
            active[current] = active.get(current, 0) + ("inactive" not in found[1].lower())
    best = max(active.values(), default=0)
    if best == 0:
        return Reading([])
    return Reading([Chip(index, uuids[index], {"link_up": float(up == best)}) for index, up in sorted(active.items())])


@dataclass
class Nvidia:
    """The GPUs of this host."""

    timeout: float
    search_path: str
    with_links: bool = True
    vendor: str = "nvidia"
    resources: tuple[str, ...] = RESOURCES
    _tool: Tool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the tool when it is wanted: drivers come and go."""
        self._tool = Tool("nvidia-smi", self.timeout, self.search_path)

    def read(self) -> Reading:
        """All GPUs, with what their sensors say.

        Raises:
            ReadError: nothing is to be had.
        """
        return gpus(self._tool.run(f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"))

    def read_seldom(self) -> Reading:
        """What need not be known every few seconds.

        Raises:
            ReadError: nothing is to be had.
        """
        return links(self._tool.run("nvlink", "--status").require_success()) if self.with_links else Reading([])
