"""What was made is made once; what was interrupted is made again."""

from __future__ import annotations

import pytest

from amalgam.bundle.store import Store, key_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "made")


def writer(data, calls):
    def maker(path):
        calls.append(data)
        path.write_bytes(data)
        return {"source": "test"}

    return maker


def test_a_thing_is_made_once_under_its_key(store):
    calls: list[bytes] = []
    first = store.make("ab12", writer(b"x", calls))
    again = store.make("ab12", writer(b"x", calls))
    assert first == again
    assert calls == [b"x"]
    assert again.facts == {"source": "test"}


def test_an_interrupted_maker_leaves_nothing_and_others_stay(store):
    calls: list[bytes] = []
    store.make("aa11", writer(b"done", calls))

    def interrupted(path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make("bb22", interrupted)
    assert store.get("bb22") is None
    assert [path.name for path in (store.folder / "bb").iterdir()] == []
    store.make("aa11", writer(b"done", calls))
    assert store.make("bb22", writer(b"whole", calls)).path.read_bytes() == b"whole"
    assert calls == [b"done", b"whole"]


def test_what_a_killed_maker_left_behind_is_swept_away(store):
    store.make("aa11", writer(b"done", []))
    (store.folder / "aa" / ".making-x").mkdir()
    store.sweep()
    assert [path.name for path in (store.folder / "aa").iterdir()] == ["aa11"]


def test_changed_bytes_are_made_again(store):
    calls: list[bytes] = []
    store.make("ab12", writer(b"good", calls)).path.write_bytes(b"evil")
    assert store.make("ab12", writer(b"good", calls)).path.read_bytes() == b"good"
    assert len(calls) == 2


def test_a_record_cut_short_counts_as_nothing_made(store):
    made = store.make("ab12", writer(b"good", []))
    (made.path.parent / "record.json").write_text("{")
    assert store.get("ab12") is None


def test_keys_differ_in_any_part_and_not_in_the_order_of_a_mapping():
    assert key_of("a", {"x": 1, "y": 2}) == key_of("a", {"y": 2, "x": 1})
    assert key_of("a", {"x": 1}) != key_of("a", {"x": 2})


def test_clearing_keeps_only_the_keys_that_are_named(store):
    store.make("aa11", writer(b"kept", []))
    store.make("bb22", writer(b"gone", []))
    assert store.forget_all_but({"aa11"}) > 0
    assert store.get("aa11")
    assert store.get("bb22") is None
