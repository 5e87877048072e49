"""The lab's look-alikes print what the plugin reads: what is set of a simulated chip is what the plugin finds."""

from __future__ import annotations

import json

import pytest
from amalgam_accelerators.ascend import double_bit_errors
from amalgam_accelerators.npu_table import npus, places
from amalgam_accelerators.nvidia import _FIELDS, gpus, links
from amalgam_accelerators.readings import MIB
from amalgam_accelerators.tools import Answer

from amalgam.lab.simulated_chips.install import describe
from amalgam.lab.simulated_chips.on_node import npu_smi, nvidia_smi
from amalgam.lab.simulated_chips.on_node.machine import DOWN, UNHEALTHY, Machine


@pytest.fixture
def make_machine(tmp_path):
    def make(accelerator: str) -> Machine:
        (tmp_path / "machine.json").write_text(json.dumps(describe("node1", accelerator)))
        machine = Machine.read(tmp_path / "machine.json", tmp_path / "readings.json")
        machine.change(1, health=UNHEALTHY)
        machine.change(
            2, temperature_c=97, power_w=311, utilization_percent=87, memory_used_mib=2048, ecc_uncorrected=5, link=DOWN
        )
        return machine

    return make


def answer(lines: list[str]) -> Answer:
    return Answer("".join(f"{line}\n" for line in lines), 0)


WANTED = {"temperature": 97.0, "power": 311.0, "utilization": 0.87, "memory_used": 2048.0 * MIB, "healthy": 1.0}


def test_gpus(make_machine) -> None:
    machine = make_machine("nvidia")
    lines = nvidia_smi.query(machine, machine.chips, ["index", "uuid", *_FIELDS], {"csv", "noheader", "nounits"})
    reading = gpus(answer(lines))
    assert (len(reading.chips), reading.failures) == (8, [])
    assert reading.chips[1].values == {"healthy": 0.0}
    assert reading.chips[2].values == WANTED | {"memory_total": 81920.0 * MIB, "ecc_errors": 5.0}
    assert reading.chips[2].uuid == machine.chips[2].uuid
    up = {chip.index: chip.values["link_up"] for chip in links(answer(nvidia_smi.links(machine))).chips}
    assert up == {index: float(index != 2) for index in range(8)}


def test_npus(make_machine) -> None:
    machine = make_machine("ascend")
    found = npus(answer(npu_smi.table(machine)), lambda _: places(answer(npu_smi.mapping(machine))))
    assert (len(found.chips), found.failures) == (8, [])
    assert found.chips[1].values["healthy"] == 0.0
    assert found.chips[2].values == WANTED | {"memory_total": 32768.0 * MIB}
    assert double_bit_errors(answer(npu_smi.topic(machine, machine.chips[2], "ecc"))) == 5.0
