"""A look-alike of ``nvidia-smi``: the forms of its answers that people and monitors read most.

Source of the forms: https://docs.nvidia.com/deploy/nvidia-smi/, ``nvidia-smi --help-query-gpu``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from .machine import HEALTHY, UP, Chip, Machine, Readings

_LOST = "[GPU requires reset]"
# Of an A100: to six switches, two to each.
_LINKS = 12
_Value = Callable[[Machine, Chip, Readings], object]

# Field of --query-gpu -> (unit, its value). What a sensor says cannot be read of a GPU that has failed.
_FACTS: dict[str, tuple[str, _Value]] = {
    "index": ("", lambda _, chip, __: chip.index),
    "uuid": ("", lambda _, chip, __: chip.uuid),
    "name": ("", lambda machine, _, __: machine.model),
    "count": ("", lambda machine, _, __: len(machine.chips)),
    "driver_version": ("", lambda machine, _, __: machine.driver),
    "pci.bus_id": ("", lambda _, chip, __: _bus_id(chip)),
}
_SENSORS: dict[str, tuple[str, _Value]] = {
    "temperature.gpu": ("", lambda _, __, now: now.temperature_c),
    "power.draw": ("W", lambda _, __, now: f"{now.power_w:.2f}"),
    "utilization.gpu": ("%", lambda _, __, now: now.utilization_percent),
    "memory.total": ("MiB", lambda machine, _, __: machine.memory_mib),
    "memory.used": ("MiB", lambda _, __, now: now.memory_used_mib),
    "memory.free": ("MiB", lambda machine, _, now: machine.memory_mib - now.memory_used_mib),
    "ecc.mode.current": ("", lambda _, __, ___: "Enabled"),
    "ecc.errors.corrected.volatile.total": ("", lambda _, __, now: now.ecc_corrected),
    "ecc.errors.uncorrected.volatile.total": ("", lambda _, __, now: now.ecc_uncorrected),
    "ecc.errors.corrected.aggregate.total": ("", lambda _, __, now: now.ecc_corrected),
    "ecc.errors.uncorrected.aggregate.total": ("", lambda _, __, now: now.ecc_uncorrected),
}
_ALIASES = {"gpu_uuid": "uuid", "gpu_name": "name", "gpu_bus_id": "pci.bus_id"}


def main() -> int:
    """Answer the command line; the status is that of the real program."""
    if sys.argv[1:] in (["nvlink", "--status"], ["nvlink", "-s"]):
        sys.stdout.write("\n".join(links(Machine.read())) + "\n")
        return 0
    parser = argparse.ArgumentParser("nvidia-smi", description="A look-alike: this node's GPUs are simulated.")
    parser.add_argument("-L", "--list-gpus", action="store_true")
    parser.add_argument("-i", "--id")
    parser.add_argument("--query-gpu", default="")
    parser.add_argument("--format", default="csv")
    arguments = parser.parse_args()
    machine = Machine.read()
    chips = [chip for chip in machine.chips if arguments.id in (None, str(chip.index), chip.uuid, _bus_id(chip))]
    if not chips:
        sys.stdout.write("No devices were found\n")
        return 6
    if arguments.list_gpus:
        lines = [f"GPU {chip.index}: {machine.model} (UUID: {chip.uuid})" for chip in chips]
    elif arguments.query_gpu:
        wanted = [_ALIASES.get(name.strip(), name.strip()) for name in arguments.query_gpu.split(",")]
        if unknown := [name for name in wanted if name not in _FACTS | _SENSORS]:
            sys.stdout.write(f'Field "{unknown[0]}" is not a valid field to query.\n\n')
            return 2
        lines = query(machine, chips, wanted, set(arguments.format.split(",")))
    else:
        lines = table(machine, chips)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def query(machine: Machine, chips: list[Chip], wanted: list[str], style: set[str]) -> list[str]:
    """The lines of ``--query-gpu --format=csv``, with ``noheader`` and ``nounits`` if ``style`` has them."""
    readings = machine.readings()
    known = _FACTS | _SENSORS
    lines = []
    if "noheader" not in style:
        lines.append(", ".join(f"{name} [{known[name][0]}]" if known[name][0] else name for name in wanted))
    for chip in chips:
        now = readings[chip.index]
        cells = []
        for name in wanted:
            unit, value = known[name]
            if name in _SENSORS and now.health != HEALTHY:
                cells.append(_LOST)
            else:
                cells.append(f"{value(machine, chip, now)}{f' {unit}' if unit and 'nounits' not in style else ''}")
        lines.append(", ".join(cells))
    return lines


def links(machine: Machine) -> list[str]:
    """The lines of ``nvlink --status``."""
    readings = machine.readings()
    lines = []
    for chip in machine.chips:
        state = "25 GB/s" if readings[chip.index].link == UP else "<inactive>"
        lines.append(f"GPU {chip.index}: {machine.model} (UUID: {chip.uuid})")
        lines += [f"\t Link {number}: {state}" for number in range(_LINKS)]
    return lines


def table(machine: Machine, chips: list[Chip]) -> list[str]:
    """The table that a person gets."""
    line = "+-----------------------------------------+------------------------+----------------------+"
    lines = [
        datetime.now(UTC).strftime("%a %b %e %H:%M:%S %Y"),
        f"+{'-' * 89}+",
        f"| NVIDIA-SMI {machine.driver:<19}  Driver Version: {machine.driver:<15}  CUDA Version: N/A      |",
        line,
        "| GPU  Name                               | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
        line.replace("-", "="),
    ]
    readings = machine.readings()
    for chip in chips:
        now = readings[chip.index]
        well = now.health == HEALTHY
        temperature, power = (f"{now.temperature_c}C", f"{now.power_w}W") if well else ("ERR!", "ERR!")
        memory = f"{now.memory_used_mib}MiB / {machine.memory_mib}MiB" if well else "ERR!"
        utilization, errors = (f"{now.utilization_percent}%", now.ecc_uncorrected) if well else ("ERR!", "ERR!")
        lines += [
            f"| {chip.index:>3}  {machine.model:<34} | {_bus_id(chip):>18} Off |{errors!s:>21} |",
            f"| N/A  {temperature:>4}    P0 {power:>16} / N/A  |{memory:>23} |{utilization:>10}    Default |",
            line,
        ]
    return lines


def _bus_id(chip: Chip) -> str:
    """With a domain of eight digits, as NVML has it."""
    return f"0000{chip.pci_address}".upper()


if __name__ == "__main__":
    sys.exit(main())
