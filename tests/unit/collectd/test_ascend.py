from __future__ import annotations

import pytest
from amalgam_accelerators.ascend import double_bit_errors, link_up
from amalgam_accelerators.npu_table import Place, npus, places
from amalgam_accelerators.readings import MIB, OUTPUT, STATUS, ReadError
from amalgam_accelerators.tools import Answer
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def table(printed):
    """The NPUs of a table, numbered by a map where the table does not do so."""

    def read(name: str, by: str = ""):
        return npus(printed(f"ascend/{name}.table"), lambda _: places(printed(f"ascend/{by}.map")))

    return read


def test_npus_of_a_910_have_all_their_values(table) -> None:
    found = table("22.0.2-910", "22-910")
    assert found.chips[0].values == {
        "power": 67.9,
        "temperature": 35.0,
        "utilization": 0.0,
        "memory_used": 0.0,
        "memory_total": 32768.0 * MIB,
        "healthy": 1.0,
    }
    assert found.chips[1].values["utilization"] == 0.98
    assert found.chips[1].values["memory_used"] == 31120.0 * MIB
    assert found.failures == []


def test_anything_but_ok_is_ill_and_what_is_unknown_is_neither(table) -> None:
    assert [chip.values.get("healthy") for chip in table("22.0.2-910", "22-910").chips] == [1.0, 0.0]
    assert [chip.values.get("healthy") for chip in table("21.0.2-910").chips] == [1.0, 0.0]
    assert [chip.values.get("healthy") for chip in table("24.1-a3").chips] == [1.0, 1.0, 0.0, None]


def test_a_card_that_is_not_in_the_order_of_the_devices_is_found_by_the_map(table) -> None:
    found = table("23.0.5-910b", "23-910b")
    assert [chip.index for chip in found.chips] == [0, 1]
    assert found.places == {Place(0, 0): 0, Place(5, 0): 1}
    assert found.chips[1].values["temperature"] == 33.0


def test_a_table_that_numbers_its_chips_is_believed(table) -> None:
    found = table("24.1-a3")
    assert found.places == {Place(0, 0): 0, Place(0, 1): 1, Place(1, 0): 2, Place(1, 1): 3}
    # The power is the card's, and said of its first chip; the last chip cannot be reached.
    assert [chip.values.get("power") for chip in found.chips] == [178.5, None, 186.3, None]
    assert found.chips[3].values == {"memory_used": 0.0, "memory_total": 65536.0 * MIB}


def test_chips_without_memory_of_their_own_have_that_of_the_card(table) -> None:
    found = table("24.1-310p")
    assert [chip.values["memory_total"] for chip in found.chips] == [44280.0 * MIB, 43693.0 * MIB]
    assert "power" not in found.chips[0].values
    assert found.failures == []


def test_a_line_that_is_lost_costs_one_chip_and_mixes_no_two(table) -> None:
    found = table("broken-lost-line", "23-910b")
    assert [(chip.index, chip.values["temperature"]) for chip in found.chips] == [(1, 33.0)]
    assert [failure.reason for failure in found.failures] == [OUTPUT]


def test_nonsense_is_counted_and_never_a_value(table) -> None:
    found = table("broken-nonsense", "23-910b")
    assert found.chips[0].values == {"healthy": 1.0}
    assert found.chips[1].values == {
        "temperature": 33.0,
        "utilization": 0.41,
        "memory_used": 29356.0 * MIB,
        "memory_total": 32768.0 * MIB,
    }
    # Power, temperature, utilisation and memory of one; power and health of the other.
    assert [failure.reason for failure in found.failures] == [OUTPUT] * 6


def test_a_table_that_was_cut_off_has_no_half_chip(table) -> None:
    with pytest.raises(ReadError, match="half a chip"):
        table("broken-cut-off")


def test_a_chip_whose_number_nobody_knows_is_left_out(table) -> None:
    found = table("23.0.5-910b", "22-910")
    assert [chip.index for chip in found.chips] == [0]
    assert "chip 0 of card 5" in str(found.failures[0])


def test_without_a_driver_there_is_no_table(printed) -> None:
    with pytest.raises(ReadError, match="exit status 5: dcmi module initialize failed") as caught:
        npus(printed("ascend/no-driver.table", 5), lambda _: {})
    assert caught.value.reason == STATUS
    with pytest.raises(ReadError, match="no table"):
        npus(printed("ascend/no-driver.table", 0), lambda _: {})


def test_a_map_gives_physical_numbers_where_it_has_them(printed) -> None:
    assert places(printed("ascend/24-a3.map")) == {Place(0, 0): 8, Place(0, 1): 9}
    with pytest.raises(ReadError, match="numbered"):
        places(printed("ascend/no-driver.table"))


@pytest.mark.parametrize(("file", "errors"), [("22-910", 3.0), ("24-a3", 0.0), ("310p", None), ("23-na", None)])
def test_double_bit_errors_of_all_memories_count(printed, file, errors) -> None:
    assert double_bit_errors(printed(f"ascend/{file}.ecc")) == errors


def test_ecc_without_a_count_is_a_failure(printed) -> None:
    with pytest.raises(ReadError, match="no count"):
        double_bit_errors(printed("ascend/up.link"))


@pytest.mark.parametrize(("file", "up"), [("up", 1.0), ("down", 0.0), ("310p.ecc", None)])
def test_a_port_is_up_or_down_or_not_there(printed, file, up) -> None:
    assert link_up(printed(f"ascend/{file}" if "." in file else f"ascend/{file}.link")) == up


def test_a_port_that_says_nothing_is_a_failure(printed) -> None:
    with pytest.raises(ReadError, match="not ready"):
        link_up(printed("ascend/broken.link"))


_CELLS = st.sampled_from(
    ["0     910B", "0", "0   0", "OK", "0000:C1:00.0", "NA", "1 2 0 / 0", "1   2 / 3   4 / 5", "", "x", "-", "9" * 30]
)
_HEADERS = st.sampled_from(
    ["| Chip | Bus-Id | AICore(%) HBM-Usage(MB) |", "| Chip Phy-ID | Bus-Id | AICore(%) HBM-Usage(MB) |", ""]
)


@given(_HEADERS, st.lists(st.lists(_CELLS, max_size=4), max_size=8), st.integers(0, 255))
def test_whatever_is_printed_is_a_reading_or_a_failure(header, rows, status) -> None:
    answer = Answer("\n".join([header, *(f"| {' | '.join(row)} |" for row in rows), ""]), status)
    for parse in (
        lambda: npus(answer, lambda wanted: dict.fromkeys(wanted, 0)).chips,
        lambda: double_bit_errors(answer),
    ):
        try:
            parse()
        except ReadError:
            continue
