"""Whether a host is fit for its chips: what was found on it against the table, before anything is changed there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from amalgam.chips.pci import Chip, PciDevice, parse_sysfs, recognise
from amalgam.chips.table import Kind, Range, Version
from amalgam.errors import AmalgamError

_LEADING_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_RANGE = re.compile(r"\[([\d.]+),([\d.]+)\]")


@dataclass(frozen=True)
class Host:
    """A host as its probe found it; versions are as the host writes them, empty where there is none."""

    devices: tuple[PciDevice, ...]
    kernel: str
    driver: str = ""
    firmware: str = ""
    firmware_of_driver: str = ""
    """What the driver says of the firmware it fits: ``[FIRST,LAST],...``, both included."""
    remarks: frozenset[str] = frozenset()
    """``headers``: the running kernel's; ``compiler``; ``nouveau``: the kernel's own driver holds the cards."""
    installed: frozenset[str] = frozenset()
    """``NAME SHA256`` of each file of the site's that was installed."""


def read_host(text: str) -> Host:
    """A host from the lines that :func:`amalgam.chips.probe.probe` makes it print: a word, then its value.

    Raises:
        AmalgamError: a line begins with an unknown word, or a PCI device is not one.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        word, _, value = line.partition(" ")
        found[word].append(value.strip())
    strange = found.keys() - {"kernel", "pci", "driver", "firmware", "firmware_of_driver", "remark", "installed"}
    if strange:
        raise AmalgamError(
            f"the host answered {sorted(strange)}", where="the probe", remedy="see what is wrong with its shell"
        )
    only = {word: values[-1] for word, values in found.items()}
    return Host(
        devices=tuple(parse_sysfs("\n".join(found["pci"]))),
        kernel=only.get("kernel", ""),
        driver=only.get("driver", ""),
        firmware=only.get("firmware", ""),
        firmware_of_driver=only.get("firmware_of_driver", ""),
        remarks=frozenset(found["remark"]),
        installed=frozenset(found["installed"]),
    )


def version_of(text: str) -> Version:
    """The numbers that a version begins with: ``(24, 1)`` of ``24.1.rc3``."""
    match = _LEADING_NUMBERS.match(text)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def fits(text: str, wanted: Range | None) -> bool:
    """Whether a version is in a range; any is where there is none."""
    if wanted is None:
        return True
    version = version_of(text)
    return version >= wanted.first and (wanted.end is None or version < wanted.end)


def said(wanted: Range) -> str:
    """A range in words."""
    first = ".".join(map(str, wanted.first))
    return f"{first} or newer" + (f", below {'.'.join(map(str, wanted.end))}" if wanted.end else "")


def refusals(kind: Kind, host: Host, supplied: Collection[str]) -> list[str]:
    """Why the host cannot serve as one with such chips: each says what was found, what is wanted, and the remedy.

    Args:
        kind: the chips that the site says it has.
        host: what was found.
        supplied: ``driver`` and ``firmware``, as far as the site supplies them; they are installed only where there
            are none yet.
    """
    return [*_of_chips(kind, recognise(host.devices)), *_of_kernel(kind, host), *_of_software(kind, host, supplied)]


def lacking(host: Host, supplied: Mapping[str, str]) -> list[str]:
    """What is to be installed, of what the site supplies (name to SHA-256), in that order.

    A driver or firmware that is there stays, whoever installed it; all else follows the site's file.
    """
    there = {"driver": bool(host.driver), "firmware": bool(host.firmware)}
    return [name for name, sha256 in supplied.items() if not there.get(name, f"{name} {sha256}" in host.installed)]


def in_words(chips: Collection[Chip]) -> str:
    """How many there are of each kind: ``8 nvidia``."""
    count = Counter(chip.kind.accelerator for chip in chips)
    return ", ".join(f"{count[accelerator]} {accelerator}" for accelerator in sorted(count))


def _of_chips(kind: Kind, chips: list[Chip]) -> Iterator[str]:
    own = [chip for chip in chips if chip.kind == kind]
    if not own:
        others = in_words(chips) or "none"
        classes = ", ".join(sorted(kind.classes))
        yield (
            f"no {kind.accelerator} chip on PCI (vendor {kind.vendor_id}, class {classes}); other chips: {others}. "
            "Mend `accelerator` in hosts.yml, or look for the cards: lspci -nn"
        )
    unknown = sorted({chip.device.device_id for chip in own if chip.product is None})
    if unknown:
        known = ", ".join(sorted(identity for product in kind.products for identity in product.device_ids))
        yield (
            f"chips of device id {', '.join(unknown)}, where {kind.resource} wants {known}. "
            "Take the host out of the inventory: this model is not in the table of chips"
        )
    if len(own) > kind.host_chips:
        yield f"{len(own)} chips, where {kind.resource} has {kind.host_chips} on a host at most. Take the others out"


def _of_kernel(kind: Kind, host: Host) -> Iterator[str]:
    wanted = kind.needs.kernel
    if wanted and not fits(host.kernel, wanted):
        yield f"kernel {host.kernel}, where the driver wants {said(wanted)}. Boot such a kernel"


def _of_software(kind: Kind, host: Host, supplied: Collection[str]) -> Iterator[str]:
    needs = kind.needs
    for name, found, wanted in (("driver", host.driver, needs.driver), ("firmware", host.firmware, needs.firmware)):
        if wanted is None:
            continue
        if found and not fits(found, wanted):
            yield f"{name} {found}, where {said(wanted)} is wanted. Upgrade it as its maker says: none is replaced here"
        if not found and name not in supplied:
            yield (
                f"no {name}, and the site supplies none. Install it, "
                f"or name its installer in {kind.accelerator}_{name} (path, sha256, version)"
            )
    if host.driver and host.firmware and not _is_named(host.firmware, host.firmware_of_driver):
        yield (
            f"firmware {host.firmware}, where driver {host.driver} wants {host.firmware_of_driver}. "
            "Bring both to one release of the maker's"
        )
    if not host.driver and "driver" in supplied and needs.driver_is_compiled:
        yield from _of_compiling(host)


def _of_compiling(host: Host) -> Iterator[str]:
    lacking = [name for name in ("compiler", "headers") if name not in host.remarks]
    if lacking:
        yield (
            f"no {' and no '.join(lacking)} for kernel {host.kernel}, with which the driver's installer compiles its "
            "modules. Install gcc, make and the kernel's headers from the site's own packages"
        )
    if "nouveau" in host.remarks:
        yield "the module nouveau holds the cards. Forbid it (`blacklist nouveau` in /etc/modprobe.d), boot again"


def _is_named(firmware: str, ranges: str) -> bool:
    """Whether firmware is in one of the driver's ranges; a driver that names none takes any."""
    version = version_of(firmware)
    named = [(version_of(first), version_of(last)) for first, last in _RANGE.findall(ranges)]
    # The last one counts as far as it goes: 7.5 takes in all that begin so.
    return not named or any(first <= version and version[: len(last)] <= last for first, last in named)
