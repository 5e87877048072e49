from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from amalgam_pulumi.provider.values import (
    SECRET,
    SIGNATURE,
    UNKNOWN,
    Secret,
    from_struct,
    has_unknown,
    plain,
    secret_paths,
    secret_words,
    to_struct,
    with_secrets,
)


def _struct(**values: object) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def test_whole_numbers_are_whole_again() -> None:
    found = from_struct(_struct(replicas=3.0, ratio=0.5, on=True))
    assert [type(found[key]) for key in ("replicas", "ratio", "on")] == [int, float, bool]


def test_null_is_as_good_as_absent() -> None:
    assert from_struct(_struct(a=None, b={"c": None})) == {"b": {}}


def test_secrets_and_unknown_values_survive_the_way_there_and_back() -> None:
    values = {"a": Secret({"b": [1, "x"]}), "c": UNKNOWN}
    assert from_struct(to_struct(values)) == values
    assert to_struct(values).fields["a"].struct_value.fields[SIGNATURE].string_value == SECRET


def test_an_unknown_number_is_unknown_too() -> None:
    assert has_unknown(from_struct(_struct(a=[{"b": "3eeb2bf0-c639-47a8-9e75-3b44932eb421"}])))
    assert from_struct(_struct(a=rpc.UNKNOWN)) == {"a": UNKNOWN}


def test_the_server_gets_secrets_without_their_wrapping() -> None:
    assert plain({"a": Secret({"b": Secret("x")}), "c": [Secret(1)]}) == {"a": {"b": "x"}, "c": [1]}


def test_one_secret_in_a_list_makes_the_whole_list_secret() -> None:
    inputs = {"spec": {"env": [{"name": "A", "value": Secret("x")}], "replicas": 1}}
    assert list(secret_paths(inputs)) == [("spec", "env")]
    live = {"spec": {"env": [{"name": "INJECTED"}, {"name": "A", "value": "x"}], "replicas": 1}}
    kept = with_secrets(live, {("spec", "env")})
    assert kept == {"spec": {"env": Secret(live["spec"]["env"]), "replicas": 1}}


def test_a_secret_does_not_show_when_printed() -> None:
    assert "canary" not in repr({"a": Secret("canary")})


def test_every_word_of_a_secret_is_known() -> None:
    assert set(secret_words({"a": Secret({"b": ["x", "y"]}), "c": "z"})) == {"x", "y"}
