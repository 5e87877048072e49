from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from amalgam_accelerators.ascend import Ascend
from amalgam_accelerators.nvidia import Nvidia
from amalgam_accelerators.readings import MISSING, OUTPUT, STATUS, TIMEOUT, ReadError
from amalgam_accelerators.tools import Tool


def _runs(stat: Path) -> bool:
    """Whether a process is more than a name that nobody has asked for yet."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_tool_that_is_not_there_is_missing(tmp_path) -> None:
    with pytest.raises(ReadError, match="nvidia-smi is not there") as caught:
        Nvidia(1.0, str(tmp_path)).read()
    assert caught.value.reason == MISSING


def test_a_tool_that_cannot_be_run_is_missing(make_tool) -> None:
    folder = make_tool("npu-smi", "")
    (folder / "npu-smi").write_text("#!/nowhere/interpreter\n")
    with pytest.raises(ReadError, match="does not start") as caught:
        Tool("npu-smi", 1.0, str(folder)).run("info")
    assert caught.value.reason == MISSING


def test_a_tool_that_hangs_is_ended_with_all_that_it_started(make_tool, tmp_path) -> None:
    folder = make_tool("npu-smi", f"echo 1; sleep 60 & echo $! >{tmp_path}/child; wait")
    began = time.monotonic()
    with pytest.raises(ReadError, match="did not end within 2 s") as caught:
        # Time enough to start its own before it is ended.
        Tool("npu-smi", 2.0, f"{folder}:{os.environ['PATH']}").run("info")
    assert caught.value.reason == TIMEOUT
    assert time.monotonic() - began < 10
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    while _runs(child):
        assert time.monotonic() - began < 20
        time.sleep(0.05)


def test_a_tool_that_closed_its_output_and_stays_hangs_too(make_tool) -> None:
    folder = make_tool("npu-smi", "exec >&- 2>&-; sleep 60")
    with pytest.raises(ReadError, match="did not end"):
        Tool("npu-smi", 0.3, f"{folder}:{os.environ['PATH']}").run("info")


def test_no_second_one_is_started_while_the_first_cannot_be_ended(make_tool) -> None:
    class Immortal:
        def poll(self) -> None:
            return None

    folder = make_tool("npu-smi", "echo started")
    tool = Tool("npu-smi", 30.0, str(folder))
    tool._stuck = Immortal()
    with pytest.raises(ReadError, match="cannot be killed") as caught:
        tool.run("info")
    assert caught.value.reason == TIMEOUT
    tool._stuck.poll = lambda: -9
    assert tool.run("info").text == "started\n"


def test_a_tool_that_prints_without_end_is_ended(make_tool) -> None:
    folder = make_tool(
        "npu-smi", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done"
    )
    with pytest.raises(ReadError, match="without end") as caught:
        Tool("npu-smi", 30.0, f"{folder}:{os.environ['PATH']}").run("info")
    assert caught.value.reason == OUTPUT


def test_bytes_that_are_no_text_do_no_harm(make_tool) -> None:
    folder = make_tool("nvidia-smi", r"printf '\377\376\000 \n'")
    with pytest.raises(ReadError, match="not a GPU"):
        Nvidia(5.0, f"{folder}:{os.environ['PATH']}").read()


def test_the_status_of_a_tool_is_known(make_tool) -> None:
    folder = make_tool("npu-smi", "echo broken; exit 3")
    with pytest.raises(ReadError, match="exit status 3: broken") as caught:
        Tool("npu-smi", 5.0, str(folder)).run("info").require_success()
    assert caught.value.reason == STATUS


def test_what_each_npu_is_asked_goes_by_its_place_and_its_links_by_its_number(make_tool, printed, tmp_path) -> None:
    for name in ("23.0.5-910b.table", "23-910b.map", "24-a3.ecc", "down.link"):
        (tmp_path / name).write_text(printed(f"ascend/{name}").text)
    make_tool(
        "npu-smi",
        f'echo "$*" >>{tmp_path}/asked; case "$*" in info) cat {tmp_path}/23.0.5-910b.table ;; '
        f'"info -m") cat {tmp_path}/23-910b.map ;; *) cat {tmp_path}/24-a3.ecc ;; esac',
    )
    folder = make_tool("hccn_tool", f'echo "$*" >>{tmp_path}/asked; cat {tmp_path}/down.link')
    source = Ascend(5.0, f"{folder}:{os.environ['PATH']}")
    assert source.read_seldom().chips == []
    source.read()
    source.read()
    seldom = source.read_seldom()
    values = {"ecc_errors": 0.0, "link_up": 0.0}
    assert [(chip.index, chip.values) for chip in seldom.chips] == [(0, values), (1, values)]
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[:3] == ["info", "info -m", "info"]
    assert asked[3:] == ["info -t ecc -i 0 -c 0", "-i 0 -link -g", "info -t ecc -i 5 -c 0", "-i 1 -link -g"]


def test_a_tool_that_hangs_is_not_asked_for_each_chip(make_tool, printed, tmp_path) -> None:
    (tmp_path / "table").write_text(printed("ascend/24.1-a3.table").text)
    script = f'case "$*" in info) cat {tmp_path}/table ;; *) echo "$*" >>{tmp_path}/asked; sleep 60 ;; esac'
    source = Ascend(5.0, f"{make_tool('npu-smi', script)}:{os.environ['PATH']}")
    source.read()
    seldom = source.read_seldom()
    assert (seldom.chips, [failure.reason for failure in seldom.failures]) == ([], [TIMEOUT])
    assert (tmp_path / "asked").read_text() == "info -t ecc -i 0 -c 0\n"
