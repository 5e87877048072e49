"""The node's simulated chips: what they are (a file from ``amalgam lab up``), and how they are at the moment."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

DESCRIPTION = Path("/etc/simulated-chips/machine.json")
READINGS = Path("/var/lib/simulated-chips/readings.json")

HEALTHY, UNHEALTHY = "healthy", "unhealthy"
UP, DOWN = "up", "down"


@dataclass(frozen=True)
class Chip:
    """One chip, as it was put into the node."""

    index: int
    device: str
    """Its id towards the kubelet."""
    visible_as: str
    """What the vendor's runtime is told in the environment of a container that gets it."""
    pci_address: str
    uuid: str = ""


@dataclass(frozen=True)
class Readings:
    """What its sensors and counters say."""

    health: str = HEALTHY
    link: str = UP
    temperature_c: int = 41
    power_w: int = 68
    utilization_percent: int = 0
    memory_used_mib: int = 0
    ecc_corrected: int = 0
    ecc_uncorrected: int = 0


@dataclass(frozen=True)
class Machine:
    """All chips of the node, which are alike."""

    accelerator: str
    model: str
    resource: str
    variable: str
    """Environment variable by which containers are told their chips."""
    driver: str
    firmware: str
    memory_mib: int
    chips: list[Chip]
    rings: list[list[int]] = field(default_factory=list)
    readings_file: Path = READINGS

    @classmethod
    def read(cls, description: Path = DESCRIPTION, readings_file: Path = READINGS) -> Machine:
        """The machine that a description file tells of."""
        told: dict[str, Any] = json.loads(description.read_text())
        chips = [Chip(**chip) for chip in told.pop("chips")]
        return cls(**told, chips=chips, readings_file=readings_file)

    def readings(self) -> dict[int, Readings]:
        """Readings by chip index, as they are now."""
        changed = self._changed()
        return {chip.index: Readings(**changed.get(str(chip.index), {})) for chip in self.chips}

    def change(self, index: int, **values: Any) -> Readings:  # noqa: ANN401 - a reading is a number or a word
        """Give one chip other readings; the others keep theirs.

        Raises:
            KeyError: there is no chip of that index.
        """
        with self._locked():
            current = self.readings()
            current[index] = replace(current[index], **values)
            text = json.dumps({str(number): asdict(one) for number, one in current.items()}, indent=1)
            temporary = self.readings_file.with_suffix(".new")
            temporary.write_text(text + "\n")
            temporary.replace(self.readings_file)
        return current[index]

    def _changed(self) -> dict[str, dict[str, Any]]:
        try:
            changed: dict[str, dict[str, Any]] = json.loads(self.readings_file.read_text())
        except FileNotFoundError:
            return {}
        return changed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.readings_file.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.readings_file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
