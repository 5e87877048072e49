"""Content is cut by its size alone, and only what has not arrived is sent."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amalgam.datasets.parts import MIB, MOST_PARTS, SMALLEST_PART, etag, missing, part_lengths, part_size, parts_of

GIB = 1 << 30


@given(st.integers(min_value=0, max_value=40_000 * GIB))
def test_every_size_fits_into_the_parts_there_may_be(size: int) -> None:
    step = part_size(size)
    assert step % MIB == 0
    assert SMALLEST_PART <= step <= 5 * GIB
    assert -(-size // step) <= MOST_PARTS


@pytest.mark.parametrize(
    ("size", "count", "last"),
    [
        (0, 1, 0),
        (1, 1, 1),
        (SMALLEST_PART, 1, SMALLEST_PART),
        (SMALLEST_PART + 1, 2, 1),
        (2 * GIB, 128, SMALLEST_PART),
    ],
)
def test_parts_cover_the_content_without_gap(size: int, count: int, last: int) -> None:
    lengths = list(part_lengths(size))
    assert (len(lengths), lengths[-1], sum(lengths)) == (count, last, size)
    parts = parts_of(size, [b"x"] * count)
    assert [part.number for part in parts] == list(range(1, count + 1))
    assert all(first.offset + first.size == second.offset for first, second in pairwise(parts))


def test_the_name_of_content_in_one_part_is_its_md5_and_in_more_that_of_their_md5s() -> None:
    one, two = (hashlib.md5(text).digest() for text in (b"one", b"two"))
    assert etag([one]) == hashlib.md5(b"one").hexdigest()
    assert etag([one, two]) == hashlib.md5(one + two).hexdigest() + "-2"


def test_a_part_that_arrived_otherwise_is_sent_again() -> None:
    md5s = [hashlib.md5(bytes([number])).digest() for number in range(4)]
    parts = parts_of(3 * SMALLEST_PART + 5, md5s)
    stored = {
        1: (md5s[0].hex(), SMALLEST_PART),
        2: ("0" * 32, SMALLEST_PART),
        4: (md5s[3].hex(), 4),
        5: (md5s[3].hex(), 5),
    }
    assert [part.number for part in missing(parts, stored)] == [2, 3, 4]
    assert missing(parts, {part.number: (part.md5.hex(), part.size) for part in parts}) == []
