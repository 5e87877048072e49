"""What hosts are asked, run by a real shell on folders that look like hosts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from amalgam.chips.host import in_words, lacking, read_host, refusals
from amalgam.chips.pci import recognise
from amalgam.chips.probe import probe
from amalgam.chips.table import ASCEND, NVIDIA


@pytest.fixture
def host(tmp_path: Path):
    """Writes files below a folder."""

    def write(files: dict[str, str]) -> Path:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return tmp_path

    return write


def device(address: str, class_id: str, vendor: str, identity: str) -> dict[str, str]:
    folder = f"sys/bus/pci/devices/{address}"
    return {f"{folder}/class": f"{class_id}\n", f"{folder}/vendor": f"{vendor}\n", f"{folder}/device": f"{identity}\n"}


def ask(accelerator: str, root: Path):
    run = subprocess.run(["sh", "-euc", probe(accelerator, str(root))], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return read_host(run.stdout)


def test_a_host_with_gpus_and_a_driver_is_read(host) -> None:
    root = host(
        device("0000:00:00.0", "0x060000", "0x8086", "0x2020")
        | device("0000:07:00.0", "0x030200", "0x10de", "0x2330")
        | {"sys/module/nvidia/version": "550.127.08\n"}
    )
    found = ask("nvidia", root)
    assert (found.driver, found.kernel, len(found.devices)) == ("550.127.08", os.uname().release, 2)
    assert refusals(NVIDIA, found, ()) == []


def test_what_a_driver_would_be_compiled_with_and_what_is_in_its_way_is_seen(host) -> None:
    modules = f"lib/modules/{os.uname().release}/build/Makefile"
    found = ask("nvidia", host({modules: "", "sys/module/nouveau/refcnt": "1\n"}))
    assert {"headers", "nouveau"} <= found.remarks
    assert found.driver == ""


def test_a_host_with_npus_tells_the_firmware_that_its_driver_fits(host) -> None:
    root = host(
        device("0000:c1:00.0", "0x120000", "0x19e5", "0xd801")
        | {
            "usr/local/Ascend/driver/version.info": "Version=24.1.rc3\ncompatible_version_fw=[7.0.0,7.5.99]\n"
            "package_version=24.1.rc3\n",
            "usr/local/Ascend/firmware/version.info": "Version=7.5.0.1.129\nfirmware_version=1.0\n",
        }
    )
    found = ask("ascend", root)
    assert (found.driver, found.firmware, found.firmware_of_driver) == ("24.1.rc3", "7.5.0.1.129", "[7.0.0,7.5.99]")
    assert [said for said in refusals(ASCEND, found, ()) if "kernel" not in said] == []


def test_chips_are_seen_on_a_host_for_which_the_inventory_names_none(host) -> None:
    chips = (device(f"0000:0{number}:00.0", "0x030200", "0x10de", "0x2330") for number in (7, 8))
    root = host({name: text for chip in chips for name, text in chip.items()} | {"sys/module/nvidia/version": "550\n"})
    found = ask("", root)
    assert in_words(recognise(found.devices)) == "2 nvidia"
    assert found.driver == ""


def test_a_bare_host_lacks_all_in_the_order_of_installing(host) -> None:
    supplied = {"driver": "a", "firmware": "b", "docker_runtime": "c", "device_plugin": "d"}
    assert lacking(ask("ascend", host({})), supplied) == list(supplied)


def test_what_was_installed_from_the_same_file_is_not_installed_again(host) -> None:
    marks = {"docker_runtime": "c", "device_plugin": "of an older file"}
    root = host({f"var/lib/amalgam/accelerators/{name}": f"{sha256}\n" for name, sha256 in marks.items()})
    supplied = {"docker_runtime": "c", "device_plugin": "d"}
    assert lacking(ask("ascend", root), supplied) == ["device_plugin"]


def test_a_driver_that_somebody_removed_is_installed_again(host) -> None:
    root = host({"var/lib/amalgam/accelerators/driver": "a\n"})
    assert lacking(ask("ascend", root), {"driver": "a"}) == ["driver"]


def test_a_driver_that_is_there_stays_whatever_the_site_supplies(host) -> None:
    root = host({"sys/module/nvidia/version": "550.127.08\n"})
    assert lacking(ask("nvidia", root), {"driver": "of a newer file"}) == []
