"""A look-alike of ``npu-smi info``: the forms of its answers that people and monitors read most.

Source of the forms: Huawei's npu-smi command reference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from .machine import HEALTHY, Chip, Machine, Readings

_Lines = list[tuple[str, object]]

_WIDTHS = {"ecc": 40}
_WIDTH = 30


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole


_TOPICS: dict[str, Callable[[Machine, Chip, Readings], _Lines]] = {
    "board": lambda machine, chip, _: [
        ("Product Name", machine.model),
        ("Software Version", machine.driver),
        ("Firmware Version", machine.firmware),
        ("PCIe Bus Info", chip.pci_address.upper()),
    ],
    "common": lambda machine, _, now: [
        ("HBM Usage Rate(%)", _percent(now.memory_used_mib, machine.memory_mib)),
        ("Aicore Usage Rate(%)", now.utilization_percent),
        ("Temperature(C)", now.temperature_c),
        ("NPU Real-time Power(W)", f"{now.power_w:.1f}"),
    ],
    "ecc": lambda _, __, now: [
        ("HBM Single Bit Error Count", now.ecc_corrected),
        ("HBM Double Bit Error Count", now.ecc_uncorrected),
        ("HBM Single Bit Aggregate Total Err Cnt", now.ecc_corrected),
        ("HBM Double Bit Aggregate Total Err Cnt", now.ecc_uncorrected),
    ],
    "health": lambda _, __, now: [
        ("Health Status", _health(now)),
        ("Error Code", "NA"),
        ("Error Information", "NA"),
    ],
    "power": lambda _, __, now: [("NPU Real-time Power(W)", f"{now.power_w:.1f}")],
    "temp": lambda _, __, now: [("NPU Temperature (C)", now.temperature_c)],
    "usages": lambda machine, _, now: [
        ("HBM Capacity(MB)", machine.memory_mib),
        ("HBM Usage Rate(%)", _percent(now.memory_used_mib, machine.memory_mib)),
        ("Aicore Usage Rate(%)", now.utilization_percent),
    ],
}


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser("npu-smi", description="A look-alike: this node's NPUs are simulated.")
    info = parser.add_subparsers(required=True).add_parser("info")
    info.add_argument("-l", dest="listed", action="store_true")
    info.add_argument("-m", dest="mapped", action="store_true")
    info.add_argument("-t", dest="topic", choices=sorted(_TOPICS))
    info.add_argument("-i", dest="card", type=int)
    # A card of this server holds one chip.
    info.add_argument("-c", dest="chip", type=int, choices=[0])
    arguments = parser.parse_args()
    machine = Machine.read()
    if arguments.listed:
        lines = cards(machine)
    elif arguments.mapped:
        lines = mapping(machine)
    elif arguments.topic:
        chip = next((chip for chip in machine.chips if chip.index == arguments.card), None)
        if chip is None:
            parser.error("argument -i: name the NPU ID of a card, as `npu-smi info -l` lists them")
        lines = topic(machine, chip, arguments.topic)
    else:
        lines = table(machine)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def cards(machine: Machine) -> list[str]:
    """The lines of ``npu-smi info -l``."""
    lines = [_line("Total Count", len(machine.chips))]
    for chip in machine.chips:
        lines += ["", _line("NPU ID", chip.index), _line("Chip Count", 1)]
    return lines


def mapping(machine: Machine) -> list[str]:
    """The lines of ``npu-smi info -m``: beside each chip its card's controller, which is no device."""
    rows: list[tuple[object, ...]] = [("NPU ID", "Chip ID", "Chip Logic ID", "Chip Name")]
    for chip in machine.chips:
        rows += [(chip.index, 0, chip.index, f"Ascend {machine.model}"), (chip.index, 1, "-", "Mcu")]
    return ["\t" + "".join(f"{cell!s:<31}" for cell in row).rstrip() for row in rows]


def topic(machine: Machine, chip: Chip, name: str) -> list[str]:
    """The lines of ``npu-smi info -t NAME -i CHIP``."""
    width = _WIDTHS.get(name, _WIDTH)
    facts = _TOPICS[name](machine, chip, machine.readings()[chip.index])
    return [_line(what, value, width) for what, value in [("NPU ID", chip.index), *facts, ("Chip ID", 0)]]


def table(machine: Machine) -> list[str]:
    """The table that a person gets."""
    line = "+---------------------------+---------------+----------------------------------------------------+"
    double = line.replace("-", "=")
    driver = machine.driver
    lines = [
        f"+{'-' * 96}+",
        f"| npu-smi {driver:<24} Version: {driver:<53}|",
        line,
        "| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|",
        "| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |",
        double,
    ]
    readings = machine.readings()
    for chip in machine.chips:
        now = readings[chip.index]
        lines += [
            f"| {chip.index:<5} {machine.model:<19} | {_health(now):<13} "
            f"| {now.power_w:<11.1f} {now.temperature_c:<17} {'0    / 0':<20} |",
            f"| {0:<25} | {chip.pci_address.upper():<13} "
            f"| {now.utilization_percent:<11} {'0    / 0':<17} {now.memory_used_mib:<5}/ {machine.memory_mib:<13} |",
            double,
        ]
    return lines


def _health(now: Readings) -> str:
    return "OK" if now.health == HEALTHY else "Critical"


def _line(what: str, value: object, width: int = _WIDTH) -> str:
    return f"\t{what:<{width}} : {value}"


if __name__ == "__main__":
    sys.exit(main())
