from amalgam_pulumi.provider.paths import MISSING, Change, changes, parsed, put, related, written


def test_objects_differ_at_their_deepest_places() -> None:
    old = {"a": {"b": 1, "gone": 1}, "list": [{"x": 1}, {"x": 2}]}
    new = {"a": {"b": 2, "new": 1}, "list": [{"x": 1}, {"x": 3}]}
    assert set(changes(old, new)) == {
        Change(("a", "b"), 1, 2),
        Change(("a", "gone"), 1, MISSING),
        Change(("a", "new"), MISSING, 1),
        Change(("list", 1, "x"), 2, 3),
    }


def test_lists_of_different_length_differ_as_a_whole() -> None:
    assert list(changes({"a": [1]}, {"a": [1, 2]})) == [Change(("a",), [1], [1, 2])]


def test_true_is_not_one() -> None:
    assert list(changes({"a": 1}, {"a": True}))


def test_places_are_written_as_the_engine_writes_them() -> None:
    assert written(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'
    assert written(("spec", "containers", 0, "image")) == "spec.containers[0].image"


def test_places_are_read_as_the_server_writes_them() -> None:
    assert parsed("spec.containers[0].image") == ("spec", "containers", 0, "image")
    assert parsed("metadata.labels[a.b/c]") == ("metadata", "labels", "a.b/c")
    assert parsed('.spec.containers[name="main"].image')[:2] == ("spec", "containers")


def test_a_value_is_put_without_changing_the_original() -> None:
    old = {"a": {"b": [1, 2]}, "c": 1}
    assert put(old, ("a", "b", 1), 3) == {"a": {"b": [1, 3]}, "c": 1}
    assert put(old, ("a", "b"), MISSING) == {"a": {}, "c": 1}
    assert old == {"a": {"b": [1, 2]}, "c": 1}


def test_a_place_is_related_to_what_is_inside_it() -> None:
    assert related(("spec",), ("spec", "a"))
    assert related(("spec", "a", "b"), ("spec", "a"))
    assert not related(("spec", "a"), ("spec", "b"))
