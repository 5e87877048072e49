"""What a host's PCI devices say of its chips: read from sysfs, and recognised by the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from amalgam.chips.table import KINDS, Kind, Product
from amalgam.errors import AmalgamError

_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_NUMBER = re.compile(r"[0-9a-f]{4}(?:[0-9a-f]{2})?")


@dataclass(frozen=True)
class PciDevice:
    """One function of a PCI device."""

    address: str
    """``domain:bus:slot.function``."""
    vendor_id: str
    device_id: str
    class_id: str
    """Class and subclass, four hex digits."""


@dataclass(frozen=True)
class Chip:
    """A device that is an accelerator."""

    device: PciDevice
    kind: Kind
    product: Product | None
    """``None`` for a model that the table does not have."""


def parse_sysfs(text: str) -> list[PciDevice]:
    """The devices in lines of ``ADDRESS CLASS VENDOR DEVICE``, the last three as sysfs has them (``0x030200 0x10de``).

    Source: https://docs.kernel.org/PCI/sysfs-pci.html.

    Raises:
        AmalgamError: a line is not of that form.
    """
    return [_device(line) for line in text.splitlines() if line.strip()]


def _device(line: str) -> PciDevice:
    address, class_id, vendor_id, device_id = (*line.split()[:4], "", "", "", "")[:4]
    numbers = [number.removeprefix("0x") for number in (vendor_id, device_id, class_id)]
    if not _ADDRESS.fullmatch(address) or not all(map(_NUMBER.fullmatch, numbers)):
        raise AmalgamError(f"not a PCI device: {line!r}", where="/sys/bus/pci/devices", remedy="ask the host again")
    # Three bytes in sysfs, of which the last is the programming interface.
    return PciDevice(address, numbers[0], numbers[1], numbers[2][:4])


def recognise(devices: Iterable[PciDevice]) -> list[Chip]:
    """The chips among the devices, in the order of their addresses."""
    return sorted(_chips(devices), key=lambda chip: chip.device.address)


def _chips(devices: Iterable[PciDevice]) -> Iterator[Chip]:
    for device in devices:
        for kind in KINDS:
            if device.vendor_id == kind.vendor_id and device.class_id in kind.classes:
                yield Chip(device, kind, _product(kind, device.device_id))


def _product(kind: Kind, device_id: str) -> Product | None:
    for product in kind.products:
        if not product.device_ids or device_id in product.device_ids:
            return product
    return None
