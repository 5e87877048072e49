from __future__ import annotations

import pytest

from amalgam.chips.pci import parse_sysfs, recognise
from amalgam.chips.table import ASCEND, KINDS, NVIDIA, kind_of, kind_of_resource
from amalgam.errors import AmalgamError

# A Kunpeng server with two 910 chips, its own display and a network card; then one with GPUs, as sysfs has them.
KUNPENG = """\
0000:7d:00.0 0x020000 0x19e5 0xa222
0000:08:00.0 0x030000 0x19e5 0x1711
0000:c1:00.0 0x120000 0x19e5 0xd801
0000:81:00.0 0x120000 0x19e5 0xd801
"""
GPUS = """\
0000:3b:00.0 0x030200 0x10de 0x20b2
0000:3b:00.1 0x040300 0x10de 0x228b
0000:af:00.0 0x030000 0x10de 0x2204
"""


def test_the_chips_of_a_kunpeng_server_are_its_npus_and_not_its_own_display() -> None:
    chips = recognise(parse_sysfs(KUNPENG))
    assert [chip.device.address for chip in chips] == ["0000:81:00.0", "0000:c1:00.0"]
    assert [(chip.kind, chip.product.name) for chip in chips] == [(ASCEND, "Ascend 910")] * 2


def test_the_sound_of_a_gpu_is_no_chip() -> None:
    chips = recognise(parse_sysfs(GPUS))
    assert [(chip.device.device_id, chip.kind) for chip in chips] == [("20b2", NVIDIA), ("2204", NVIDIA)]


def test_a_product_is_known_by_its_number() -> None:
    lines = "0000:3b:00.0 0x030200 0x10de 0x20b2\n0000:c1:00.0 0x120000 0x19e5 0xd802\n"
    chips = recognise(parse_sysfs(lines))
    assert [(chip.kind, chip.product.name) for chip in chips] == [(NVIDIA, "NVIDIA GPU"), (ASCEND, "Ascend 910B")]


def test_a_model_that_the_table_lacks_is_seen_and_has_no_product() -> None:
    (chip,) = recognise(parse_sysfs("0000:c1:00.0 0x120000 0x19e5 0xd500"))
    assert (chip.kind, chip.product) == (ASCEND, None)


def test_what_is_no_list_of_devices_is_refused() -> None:
    with pytest.raises(AmalgamError, match="not a PCI device"):
        parse_sysfs("cat: /sys/bus/pci/devices/*/class: No such file or directory")


def test_a_kind_is_found_by_its_word_in_inventories_and_by_its_resource() -> None:
    assert [kind_of(kind.accelerator) for kind in KINDS] == list(KINDS)
    assert [kind_of_resource(kind.resource) for kind in KINDS] == list(KINDS)
    with pytest.raises(AmalgamError, match="amd") as caught:
        kind_of("amd")
    assert "nvidia, ascend" in caught.value.remedy


def test_rings_hold_the_chips_of_a_host_each_once() -> None:
    for kind in KINDS:
        for product in kind.products:
            chips = [chip for ring in product.rings for chip in ring]
            assert chips in ([], list(range(kind.host_chips)))
