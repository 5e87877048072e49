from __future__ import annotations

import pytest
from amalgam_accelerators.nvidia import gpus, links
from amalgam_accelerators.readings import MIB, OUTPUT, STATUS, ReadError
from amalgam_accelerators.tools import Answer
from hypothesis import given
from hypothesis import strategies as st


def values(reading, index: int) -> dict[str, float]:
    (chip,) = (chip for chip in reading.chips if chip.index == index)
    return chip.values


def test_a_gpu_at_work_has_all_its_values(printed) -> None:
    reading = gpus(printed("nvidia/470-v100.csv"))
    assert values(reading, 1) == {
        "temperature": 71.0,
        "power": 287.9,
        "utilization": 1.0,
        "memory_used": 30124.0 * MIB,
        "memory_total": 32510.0 * MIB,
        "ecc_errors": 0.0,
        "healthy": 1.0,
    }
    assert values(reading, 2)["ecc_errors"] == 2.0
    assert reading.chips[1].uuid == "GPU-0a1b2c3d-1111-4a4a-9b9b-000000000001"


@pytest.mark.parametrize(
    ("file", "index", "missing"),
    [
        ("nvidia/460-not-supported.csv", 0, {"power", "ecc_errors"}),
        ("nvidia/535-a100-mig.csv", 0, {"utilization"}),
        ("nvidia/570-rtx.csv", 0, {"ecc_errors"}),
        ("nvidia/570-rtx.csv", 1, {"power", "ecc_errors"}),
    ],
)
def test_what_a_gpu_does_not_have_is_no_value_and_no_failure(printed, file, index, missing) -> None:
    everything = {"temperature", "power", "utilization", "memory_used", "memory_total", "ecc_errors", "healthy"}
    reading = gpus(printed(file))
    assert set(values(reading, index)) == everything - missing
    assert reading.failures == []


@pytest.mark.parametrize(("file", "index"), [("nvidia/550-h100-reset.csv", 1), ("nvidia/470-v100.csv", 3)])
def test_a_gpu_that_has_failed_is_ill_and_nothing_else_that_it_says_is_believed(printed, file, index) -> None:
    reading = gpus(printed(file))
    assert values(reading, index) == {"healthy": 0.0}
    assert values(reading, 2)["healthy"] == 1.0


def test_gpus_beside_one_that_is_lost_are_still_read(printed) -> None:
    reading = gpus(printed("nvidia/535-one-lost.csv", status=15))
    assert [chip.index for chip in reading.chips] == [0, 2]
    assert [failure.reason for failure in reading.failures] == [STATUS]


def test_a_line_that_was_cut_off_is_no_gpu(printed) -> None:
    reading = gpus(printed("nvidia/broken-cut-off.csv"))
    assert [chip.index for chip in reading.chips] == [0]


def test_nonsense_is_counted_and_never_a_value(printed) -> None:
    reading = gpus(printed("nvidia/broken-nonsense.csv"))
    assert [(chip.index, chip.values) for chip in reading.chips] == [(0, {})]
    # Temperature, power, utilisation, memory and errors of the first row, and three rows that are none.
    assert [failure.reason for failure in reading.failures] == [OUTPUT] * 8


def test_two_gpus_of_one_index_are_none(printed) -> None:
    with pytest.raises(ReadError, match="chip 0 is there twice"):
        gpus(printed("nvidia/broken-twice.csv"))


@pytest.mark.parametrize(("file", "status"), [("no-driver", 9), ("driver-mismatch", 18), ("unknown-field", 2)])
def test_a_tool_that_ends_badly_says_why(printed, file, status) -> None:
    with pytest.raises(ReadError, match=f"exit status {status}: ") as caught:
        gpus(printed(f"nvidia/{file}.csv", status))
    assert caught.value.reason == STATUS


def test_no_word_at_all_is_a_failure() -> None:
    with pytest.raises(ReadError, match="printed nothing"):
        gpus(Answer("", 0))


@pytest.mark.parametrize(
    ("file", "up"),
    [
        ("535-a100", {0: 1.0, 1: 0.0, 2: 0.0}),
        ("470-v100", {0: 1.0}),
        ("550-no-bridge", {}),
        ("570-without", {}),
    ],
)
def test_a_link_is_up_when_it_is_as_wide_as_those_of_the_others(printed, file, up) -> None:
    reading = links(printed(f"nvidia/{file}.links"))
    assert {chip.index: chip.values["link_up"] for chip in reading.chips} == up


_CELL = st.one_of(
    st.text(max_size=12), st.sampled_from(["0", "GPU-1", "[N/A]", "ERR!", "99999999999", "-1", "nan", "1e9"])
)


@given(st.lists(st.lists(_CELL, max_size=10), max_size=5), st.integers(0, 255))
def test_whatever_is_printed_is_a_reading_or_a_failure(rows, status) -> None:
    answer = Answer("".join(f"{', '.join(row)}\n" for row in rows), status)
    for parse in (gpus, links):
        try:
            reading = parse(answer)
        except ReadError:
            continue
        for chip in reading.chips:
            assert chip.values.get("memory_used", 0.0) <= chip.values.get("memory_total", 0.0)
            assert 0.0 <= chip.values.get("utilization", 0.0) <= 1.0
