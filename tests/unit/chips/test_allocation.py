from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from amalgam.chips.allocation import preferred

RINGS = ((0, 1, 2, 3), (4, 5, 6, 7))


def test_a_job_that_fits_into_a_ring_gets_its_chips_from_one() -> None:
    assert preferred({2, 3, 4, 5, 6, 7}, 4, rings=RINGS) == [4, 5, 6, 7]
    assert preferred({1, 2, 3, 6, 7}, 2, rings=RINGS) == [6, 7]


def test_one_chip_comes_from_the_ring_whose_rest_is_of_most_use() -> None:
    # The order of MindCluster: rings with 1, 3, 2, 4 free chips.
    assert preferred({0, 4, 5, 6}, 1, rings=RINGS) == [0]
    assert preferred({0, 1, 4, 5, 6}, 1, rings=RINGS) == [4]
    assert preferred({0, 1, 2, 3, 6, 7}, 1, rings=RINGS) == [6]


def test_two_chips_leave_whole_pairs_behind() -> None:
    # Rings with 2, 4, 3 free chips.
    assert preferred({0, 1, 2, 4, 5, 6, 7}, 2, rings=RINGS) == [4, 5]


def test_eight_chips_are_the_whole_host() -> None:
    assert preferred(range(8), 8, rings=RINGS) == list(range(8))


def test_what_the_kubelet_requires_is_given_and_its_ring_is_preferred() -> None:
    assert preferred({0, 1, 2, 3, 4, 5}, 2, rings=RINGS, required={2}) == [0, 2]
    assert preferred({1, 2, 3, 4}, 2, rings=RINGS, required={2}) == [1, 2]


def test_where_nothing_fits_the_fullest_ring_is_emptied_first() -> None:
    assert preferred({0, 4, 5, 6}, 4, rings=RINGS) == [0, 4, 5, 6]
    assert preferred({0, 1, 4, 5, 6}, 4, rings=RINGS) == [0, 4, 5, 6]


def test_chips_without_rings_are_given_in_their_order() -> None:
    assert preferred({5, 1, 7, 3}, 2) == [1, 3]


@given(
    st.sets(st.integers(0, 7)).flatmap(lambda free: st.tuples(st.just(free), st.sets(st.sampled_from(range(8))))),
    st.integers(1, 8),
    st.sampled_from([RINGS, ()]),
)
def test_the_choice_is_of_free_chips_each_once_and_has_what_is_required(chips, size, rings) -> None:
    free, wanted = chips
    required = set(sorted(free & wanted)[:size])
    chosen = preferred(free, size, rings=rings, required=required)
    assert len(chosen) == len(set(chosen)) == min(size, len(free))
    assert required <= set(chosen) <= free


@given(st.sets(st.integers(0, 7)), st.sampled_from([1, 2, 4]))
def test_a_job_is_never_split_while_one_ring_has_room(free, size) -> None:
    if any(len(free & set(ring)) >= size for ring in RINGS):
        chosen = set(preferred(free, size, rings=RINGS))
        assert any(chosen <= set(ring) for ring in RINGS)
