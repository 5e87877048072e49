"""Systemd units that are to run, and to start at boot: what is amiss with them, in one call for all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from amalgam.on_host import commands
from amalgam.on_host.program import HostError

_PROPERTIES = "LoadState,ActiveState,UnitFileState,ConditionResult,ConditionTimestampMonotonic"


class Unit(NamedTuple):
    """What `systemctl show` says of one unit (systemctl(1), org.freedesktop.systemd1(5))."""

    name: str
    properties: dict[str, str]

    @property
    def known(self) -> bool:
        """Whether systemd has the unit's file."""
        return self.properties.get("LoadState") != "not-found"

    @property
    def masked(self) -> bool:
        """Whether an administrator forbade it."""
        return self.properties.get("LoadState") == "masked"

    @property
    def starts_at_boot(self) -> bool:
        """Whether a boot starts it. States other than these two (static, alias, ...) are settled by another unit."""
        return self.known and not self.masked and self.properties.get("UnitFileState") not in {"disabled", ""}

    @property
    def runs(self) -> bool:
        """Whether it is up or coming up; one that was started and whose conditions do not hold is as it should be."""
        tried = self.properties.get("ConditionTimestampMonotonic", "0") != "0"
        waits = tried and self.properties.get("ConditionResult") == "no"
        return waits or self.properties.get("ActiveState") in {"active", "activating", "reloading"}


def units_of(names: Iterable[str]) -> list[Unit]:
    """The state of each unit.

    Raises:
        HostError: systemd does not answer.
    """
    wanted = list(names)
    if not wanted:
        return []
    # The answer is a block for each unit, in the order asked.
    blocks = _systemctl("show", f"--property={_PROPERTIES}", "--", *wanted).strip().split("\n\n")
    return [
        Unit(name, dict(line.split("=", 1) for line in block.splitlines()))
        for name, block in zip(wanted, blocks, strict=True)
    ]


def enable(units: Iterable[Unit]) -> None:
    """Have a boot start these units from now on.

    Raises:
        HostError: a unit is masked, or systemd does not know it.
    """
    for unit in units:
        if unit.masked:
            raise HostError(f"unit {unit.name} is masked here; `systemctl unmask {unit.name}` if it may run")
        _systemctl("enable", "--", unit.name)


def start(units: Iterable[Unit]) -> None:
    """Start these units, now and at every boot.

    Raises:
        HostError: a unit is masked, does not start, or systemd does not know it.
    """
    for unit in units:
        enable([unit])
        _systemctl("start", "--", unit.name)


def _systemctl(*arguments: str) -> str:
    command = ["systemctl", *arguments]
    ran = commands.run(command)
    if ran.rc != 0:
        raise HostError(f"`{' '.join(command)}` failed: {ran.said}; look at the unit with `systemctl status`")
    return ran.out
