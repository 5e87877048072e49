"""Hosts as their probes found them, recorded in form, against the table: fit ones pass, each unfit one says why."""

from __future__ import annotations

import dataclasses

import pytest

from amalgam.chips.host import Host, fits, read_host, refusals, version_of
from amalgam.chips.table import ASCEND, NVIDIA, Range
from amalgam.errors import AmalgamError

GPU_HOST = """\
kernel 6.1.0-28-amd64
pci 0000:00:00.0 0x060000 0x8086 0x2020
pci 0000:07:00.0 0x030200 0x10de 0x2330
pci 0000:0a:00.0 0x030200 0x10de 0x2330
pci 0000:0b:00.0 0x068000 0x10de 0x22a3
driver 550.127.08
"""
# The display of the Kunpeng board is a device of the same vendor.
NPU_HOST = """\
kernel 5.10.0-60.18.0.50.oe2203.aarch64
pci 0000:02:00.0 0x030000 0x19e5 0x1711
pci 0000:81:00.0 0x120000 0x19e5 0xd801
pci 0000:c1:00.0 0x120000 0x19e5 0xd801
driver 24.1.rc3
firmware 7.5.0.1.129
firmware_of_driver [7.0.0,7.5.99]
"""
BARE_GPU_HOST = GPU_HOST.replace("driver 550.127.08\n", "remark compiler\nremark headers\n")


@pytest.mark.parametrize(("kind", "text"), [(NVIDIA, GPU_HOST), (ASCEND, NPU_HOST)], ids=["nvidia", "ascend"])
def test_a_fit_host_is_not_refused(kind, text) -> None:
    assert refusals(kind, read_host(text), ()) == []


def test_a_host_without_a_driver_is_fit_where_the_site_supplies_one() -> None:
    assert refusals(NVIDIA, read_host(BARE_GPU_HOST), {"driver"}) == []
    bare = read_host(NPU_HOST.split("driver", maxsplit=1)[0])
    assert refusals(ASCEND, bare, {"driver", "firmware"}) == []
    assert [said.split(",")[0] for said in refusals(ASCEND, bare, {"driver"})] == ["no firmware"]


@pytest.mark.parametrize(
    ("kind", "text", "supplied", "said"),
    [
        (NVIDIA, NPU_HOST, (), "no nvidia chip on PCI (vendor 10de, class 0300, 0302); other chips: 2 ascend."),
        (ASCEND, NPU_HOST.replace("0xd801", "0xd500"), (), "chips of device id d500, where huawei.com/Ascend910 wants"),
        (ASCEND, NPU_HOST.replace("5.10.0-60", "4.9.0-8"), (), "kernel 4.9.0-8.18.0.50.oe2203.aarch64, where"),
        (ASCEND, NPU_HOST.replace("24.1.rc3", "22.0.4"), (), "driver 22.0.4, where 23.0 or newer is wanted"),
        (ASCEND, NPU_HOST.replace("7.5.0.1.129", "1.82.22.2"), (), "firmware 1.82.22.2, where 6.4 or newer is wanted"),
        (ASCEND, NPU_HOST.replace("7.5.0.1.129", "7.7.0.1.231"), (), "where driver 24.1.rc3 wants [7.0.0,7.5.99]"),
        (NVIDIA, GPU_HOST.replace("550.127.08", "470.256.02"), (), "driver 470.256.02, where 525.60.13 or newer"),
        (NVIDIA, BARE_GPU_HOST, (), "no driver, and the site supplies none"),
        (NVIDIA, BARE_GPU_HOST.replace("remark headers\n", ""), {"driver"}, "no headers for kernel 6.1.0-28-amd64"),
        (NVIDIA, BARE_GPU_HOST + "remark nouveau\n", {"driver"}, "the module nouveau holds the cards"),
    ],
)
def test_an_unfit_host_is_told_what_was_found_and_what_is_wanted(kind, text, supplied, said) -> None:
    assert any(said in refusal for refusal in refusals(kind, read_host(text), supplied))


def test_a_host_with_more_chips_than_its_kind_has_is_refused() -> None:
    host = read_host(NPU_HOST)
    chips = [dataclasses.replace(host.devices[-1], address=f"0000:c{number}:00.0") for number in range(9)]
    assert "9 chips" in refusals(ASCEND, dataclasses.replace(host, devices=tuple(chips)), ())[0]


def test_an_installed_driver_needs_no_compiler_and_does_not_mind_one_that_is_supplied() -> None:
    assert refusals(NVIDIA, read_host(GPU_HOST + "remark nouveau\n"), {"driver"}) == []


def test_a_probe_that_answers_something_else_is_not_taken_for_a_host_without_chips() -> None:
    with pytest.raises(AmalgamError, match="the host answered"):
        read_host("bash: cannot fork\n")


def test_versions_are_compared_by_their_leading_numbers() -> None:
    assert version_of("24.1.rc3") == (24, 1)
    assert version_of("") == ()
    assert fits("25.0.rc1.1", Range((23, 0), (26,)))
    assert not fits("26.0.1", Range((23, 0), (26,)))
    assert not fits("", Range((1,)))
    assert fits("", None)


def test_firmware_may_be_any_of_several_ranges_to_their_last_included() -> None:
    host = Host(devices=(), kernel="", driver="25.0.rc1.1", firmware_of_driver="[6.4.0,6.4.99],[7.0.0,7.7.99]")
    for firmware, named in (("6.4.12.1.241", True), ("7.7.99.1", True), ("7.8.0.1", False), ("6.5.0", False)):
        found = refusals(ASCEND, dataclasses.replace(host, firmware=firmware, kernel="5.10"), ())
        assert any("wants [6.4.0" in said for said in found) is not named
