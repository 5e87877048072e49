"""What collectd calls: dispatches the readings as ``accelerator-VENDOR-INDEX/accelerator_*``, and counts what failed.

Source: collectd-python(5).
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import collectd

from .allocations import CHECKPOINT, Allocations
from .ascend import Ascend
from .nvidia import Nvidia
from .readings import REASONS, Chip, ReadError, Reading
from .tools import SEARCH_PATH

_VENDORS = {"nvidia": Nvidia, "ascend": Ascend}
_PLUGIN = "accelerator"


@dataclass
class Settings:
    """Keys of the ``<Module>`` block."""

    vendors: list[str] = field(default_factory=list)
    links: bool = True
    timeout: float = 8.0
    seldom: float = 60.0
    checkpoint: Path = CHECKPOINT
    search_path: str = SEARCH_PATH

    def take(self, key: str, value: Any) -> None:  # noqa: ANN401 - collectd's own
        """One key of the block.

        Raises:
            ValueError: there is no such key or vendor.
        """
        if key == "Vendor" and value in _VENDORS:
            self.vendors.append(value)
        elif key == "Links":
            self.links = bool(value)
        elif key == "Timeout":
            self.timeout = float(value)
        elif key == "SeldomInterval":
            self.seldom = float(value)
        elif key == "Checkpoint":
            self.checkpoint = Path(value)
        elif key == "SearchPath":
            self.search_path = str(value)
        else:
            raise ValueError(f"{key} {value!r} means nothing here")


class Collector:
    """Reads the chips of one vendor when collectd says so."""

    def __init__(self, source: Nvidia | Ascend, allocations: Allocations) -> None:
        """Count failures from nothing."""
        self._source = source
        self._allocations = allocations
        self._failures = dict.fromkeys(REASONS, 0)
        self._said = ""

    def read(self) -> None:
        """All chips and who has them. Failures are told also when there are none: a counter that appears is no rise."""
        reading = self._try(self._source.read)
        if reading is not None:
            self._tell("chips", len(reading.chips))
            self._dispatch(reading.chips)
            self._allocated(reading.chips)
        for reason, count in self._failures.items():
            self._tell("read_failures", count, type_instance=reason)

    def read_seldom(self) -> None:
        """What takes long to read."""
        reading = self._try(self._source.read_seldom)
        if reading is not None:
            self._dispatch(reading.chips)

    def _allocated(self, chips: list[Chip]) -> None:
        try:
            holders = self._allocations.holders(chips, self._source.resources)
        except ReadError as failure:
            self._count([failure])
            return
        for index, pods in holders.items():
            for pod in pods:
                self._tell("allocated", 1, index=index, type_instance=pod)

    def _try(self, read: Callable[[], Reading]) -> Reading | None:
        try:
            reading = read()
        except ReadError as failure:
            self._count([failure])
            return None
        self._count(reading.failures)
        return reading

    def _count(self, failures: list[ReadError]) -> None:
        for failure in failures:
            self._failures[failure.reason] += 1
            # Every few seconds the same would fill the journal.
            if str(failure) != self._said:
                self._said = str(failure)
                collectd.warning(f"{self._source.vendor}: {failure}")

    def _dispatch(self, chips: list[Chip]) -> None:
        for chip in chips:
            for name, value in chip.values.items():
                self._tell(name, value, index=chip.index)

    def _tell(self, name: str, value: float, *, index: int | None = None, type_instance: str = "") -> None:
        instance = self._source.vendor if index is None else f"{self._source.vendor}-{index}"
        collectd.Values(
            plugin=_PLUGIN,
            plugin_instance=instance,
            type=f"{_PLUGIN}_{name}",
            type_instance=type_instance,
            values=[int(value) if name in ("ecc_errors", "read_failures") else value],
        ).dispatch()


def configure(block: Any) -> None:  # noqa: ANN401 - collectd's own
    """Take in the ``<Module>`` block, and read what it names from now on."""
    settings = Settings()
    for child in block.children:
        for value in child.values:
            settings.take(child.key, value)
    for vendor in settings.vendors:
        source = _VENDORS[vendor](settings.timeout, settings.search_path, settings.links)
        collector = Collector(source, Allocations(settings.checkpoint))
        collectd.register_read(collector.read, name=f"accelerators/{vendor}")
        collectd.register_read(collector.read_seldom, settings.seldom, name=f"accelerators/{vendor}/seldom")


def start() -> None:
    """Learn how the tools end: a daemon that ignores its children is told of none."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


collectd.register_config(configure)
collectd.register_init(start)
