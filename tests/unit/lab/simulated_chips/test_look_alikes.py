from __future__ import annotations

import csv
import re

from amalgam.lab.simulated_chips.on_node import npu_smi, nvidia_smi
from amalgam.lab.simulated_chips.on_node.machine import DOWN, UNHEALTHY


def test_a_query_answers_in_the_form_that_monitors_read(make_machine) -> None:
    machine = make_machine("nvidia")
    machine.change(2, temperature_c=83, ecc_uncorrected=4)
    wanted = ["index", "uuid", "temperature.gpu", "memory.total", "ecc.errors.uncorrected.volatile.total"]
    lines = nvidia_smi.query(machine, machine.chips, wanted, {"csv", "noheader", "nounits"})
    rows = list(csv.reader(lines, skipinitialspace=True))
    assert rows[2] == ["2", machine.chips[2].uuid, "83", "81920", "4"]
    assert len(rows) == 8


def test_units_and_headings_are_there_unless_they_are_not_wanted(make_machine) -> None:
    machine = make_machine("nvidia")
    lines = nvidia_smi.query(machine, machine.chips[:1], ["index", "memory.used", "power.draw"], {"csv"})
    assert lines == ["index, memory.used [MiB], power.draw [W]", "0, 0 MiB, 68.00 W"]


def test_what_a_failed_gpu_measures_cannot_be_read(make_machine) -> None:
    machine = make_machine("nvidia")
    machine.change(1, health=UNHEALTHY)
    lines = nvidia_smi.query(machine, machine.chips, ["index", "temperature.gpu"], {"csv", "noheader"})
    assert lines[:2] == ["0, 41", "1, [GPU requires reset]"]
    table = "\n".join(nvidia_smi.table(machine, machine.chips))
    assert table.count("ERR!") == 5


def test_the_tables_have_straight_edges(make_machine) -> None:
    for tool, accelerator in ((npu_smi, "ascend"), (nvidia_smi, "nvidia")):
        machine = make_machine(accelerator)
        machine.change(1, health=UNHEALTHY, memory_used_mib=20000, temperature_c=101, ecc_uncorrected=12)
        lines = tool.table(machine) if tool is npu_smi else tool.table(machine, machine.chips)[1:]
        assert {len(line) for line in lines} == {len(lines[0])}


def test_every_topic_of_an_npu_is_a_list_of_facts(make_machine) -> None:
    machine = make_machine("ascend")
    machine.change(6, health=UNHEALTHY, ecc_corrected=7, power_w=201, memory_used_mib=16384)

    def facts(topic: str) -> dict[str, str]:
        lines = npu_smi.topic(machine, machine.chips[6], topic)
        return dict(re.fullmatch(r"\t(.+?) +: (.+)", line).groups() for line in lines)

    assert facts("health")["Health Status"] == "Critical"
    assert facts("ecc")["HBM Single Bit Error Count"] == "7"
    assert facts("power")["NPU Real-time Power(W)"] == "201.0"
    assert facts("usages")["HBM Usage Rate(%)"] == "50"
    assert {facts(topic)["NPU ID"] for topic in ("board", "common", "temp")} == {"6"}


def test_the_list_of_cards_counts_them(make_machine) -> None:
    lines = npu_smi.cards(make_machine("ascend"))
    assert lines[0].split(":")[1].strip() == "8"
    assert sum("NPU ID" in line for line in lines) == 8


def test_the_links_of_a_gpu_go_down_together(make_machine) -> None:
    machine = make_machine("nvidia")
    machine.change(3, link=DOWN)
    lines = nvidia_smi.links(machine)
    assert lines.count("\t Link 0: 25 GB/s") == 7
    assert sum("<inactive>" in line for line in lines) == 12


def test_the_map_of_npus_has_a_number_for_each_chip_and_none_for_controllers(make_machine) -> None:
    rows = [line.split() for line in npu_smi.mapping(make_machine("ascend"))[1:]]
    assert [row[2] for row in rows if row[-1] != "Mcu"] == [str(number) for number in range(8)]
    assert {row[2] for row in rows if row[-1] == "Mcu"} == {"-"}
