"""Defaults and documented options of a role are one thing written twice, and drift.

Seen in prometheus-community/ansible, which lints for it since options were documented with defaults the role no
longer had; and in installers with a default password, which stays the password of most sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.repository import Role

_INSTANCES = {"bool": bool, "dict": dict, "int": int, "list": list, "path": str, "str": str}


def _described(options: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, spec in options.items():
        yield f"{path}{name}", spec
        yield from _described(spec.get("options") or {}, f"{path}{name}.")


def test_every_default_is_a_documented_option_and_the_other_way_round(role: Role) -> None:
    documented = {name for name, spec in role.options.items() if not spec.get("required")}
    assert set(role.variables("defaults")) == documented


def test_a_documented_default_is_the_default_to_the_letter(role: Role) -> None:
    defaults = role.variables("defaults")
    documented = {name: spec.get("default") for name, spec in role.options.items() if not spec.get("required")}
    assert {name: (type(value), value) for name, value in defaults.items()} == {
        name: (type(value), value) for name, value in documented.items()
    }


def test_a_default_is_of_the_type_its_option_says(role: Role) -> None:
    defaults = role.variables("defaults").items()
    wrong = [
        name
        for name, value in defaults
        if not (isinstance(value, str) and "{{" in value)
        and not isinstance(value, _INSTANCES[role.options[name].get("type", "str")])
    ]
    assert not wrong


def test_every_option_says_what_it_is_in_a_sentence(role: Role) -> None:
    silent = [
        name
        for name, spec in _described(role.options, "")
        if not str(spec.get("description", "")).strip().endswith(".") or "type" not in spec
    ]
    assert not silent, "without a type, or a description that ends in a full stop"


def test_options_carry_the_name_of_their_role(role: Role) -> None:
    assert [name for name in role.options if not name.startswith(f"{role.name}_")] == []


def test_what_is_not_for_others_is_marked_as_internal(role: Role) -> None:
    assert [name for name in role.variables("vars") if not name.startswith(f"__{role.name}_")] == []


def test_no_secret_has_a_default(role: Role) -> None:
    defaults = role.variables("defaults")
    given = {name: defaults[name] for name, spec in role.options.items() if spec.get("no_log") and name in defaults}
    assert set(given.values()) <= {""}


def test_what_is_named_like_a_secret_is_treated_as_one(role: Role) -> None:
    endings = ("_password", "_secret", "_token", "_key", "_passphrase")
    forgotten = [name for name, spec in role.options.items() if name.endswith(endings) and not spec.get("no_log")]
    assert not forgotten, "give the option `no_log: true` in meta/argument_specs.yml"
