from __future__ import annotations

import pytest

from amalgam.chips.counts import check_count, may_ask
from amalgam.chips.table import ASCEND, NVIDIA
from amalgam.errors import AmalgamError


def test_an_ascend_910_job_takes_1_2_4_8_or_a_multiple_of_8_chips() -> None:
    assert [chips for chips in range(-1, 34) if may_ask(ASCEND, chips)] == [1, 2, 4, 8, 16, 24, 32]


def test_a_gpu_job_takes_any_count_that_a_host_may_have_or_whole_hosts() -> None:
    assert [chips for chips in range(34) if may_ask(NVIDIA, chips)] == [*range(1, 17), 32]


@pytest.mark.parametrize("chips", [3, 12])
def test_another_count_is_refused_with_those_there_are(chips: int) -> None:
    with pytest.raises(AmalgamError, match=f"{chips} of huawei.com/Ascend910") as caught:
        check_count(ASCEND, chips, where="job train")
    assert caught.value.where == "job train"
    assert "1, 2, 4, 8, or a multiple of 8" in caught.value.remedy


def test_a_count_that_can_be_had_is_not_refused() -> None:
    check_count(ASCEND, 16)
