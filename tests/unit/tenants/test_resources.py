"""Quantities are read and written exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amalgam.chips import table
from amalgam.tenants.resources import KINDS, LARGEST, Kind, parse, quantity, total


@pytest.mark.parametrize(
    ("kind", "text", "amount"),
    [
        ("cpu", 8, 8000),
        ("cpu", "0.1", 100),
        ("cpu", "1500m", 1500),
        ("cpu", "1e3", 1_000_000),
        ("memory", "16Gi", 16 * 1024**3),
        ("memory", "1.5Gi", 3 * 1024**3 // 2),
        ("memory", "1G", 10**9),
        ("memory", "1E", 10**18),
        ("memory", "1E2", 100),
        ("memory", "128000m", 128),
        ("storage", ".5Ki", 512),
        ("pods", "2k", 2000),
        ("nvidia.com/gpu", "8.", 8),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(kind: Kind, text: str | int, amount: int) -> None:
    assert parse(kind, text) == amount


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("cpu", "-1", "no quantity"),
        ("cpu", "", "no quantity"),
        ("cpu", "1 ", "no quantity"),
        ("memory", "16GB", "no quantity"),
        ("memory", "16gi", "no quantity"),
        ("memory", "1Ki2", "no quantity"),
        ("cpu", "0.0001", "no whole number of thousandths of a CPU"),
        ("memory", "0.5", "no whole number of bytes"),
        ("pods", "500m", "no whole number of pods"),
        ("memory", "8Ei", "more than the API server can count"),
        ("memory", "1e99", "more than the API server can count"),
    ],
)
def test_what_kubernetes_would_not_keep_as_it_is_is_refused(kind: Kind, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(kind, text)


@given(st.sampled_from(KINDS), st.integers(0, LARGEST // 1000))
def test_what_is_written_is_read_as_the_same(kind: Kind, amount: int) -> None:
    assert parse(kind, quantity(kind, amount)) == amount


@pytest.mark.parametrize(
    ("kind", "amount", "text"),
    [
        ("cpu", 1500, "1500m"),
        ("cpu", 2000, "2"),
        ("memory", 1536 * 1024**2, "1536Mi"),
        ("storage", 0, "0"),
        ("pods", 7, "7"),
    ],
)
def test_an_amount_is_written_as_people_would(kind: Kind, amount: int, text: str) -> None:
    assert quantity(kind, amount) == text


def test_a_sum_has_every_kind() -> None:
    assert total([{"cpu": 1}, {"cpu": 2, "pods": 3}]) == {
        "cpu": 3,
        "memory": 0,
        "nvidia.com/gpu": 0,
        "huawei.com/Ascend910": 0,
        "storage": 0,
        "pods": 3,
    }


def test_chips_of_every_kind_are_counted() -> None:
    assert {kind.resource for kind in table.KINDS} == {kind for kind in KINDS if "/" in kind}
