"""The options that roles declare in ``meta/argument_specs.yml``: which variables there are, and of which types.

The form is Ansible's own (its documentation: "Role argument validation").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from amalgam.errors import AmalgamError
from amalgam.models.faults import Fault, Rule
from amalgam.models.fields import is_template, type_name
from amalgam.models.inventory import Variable
from amalgam.models.validate import is_quoted_boolean, quoted_boolean
from amalgam.models.yaml_source import KeyPath, VaultedText, dotted
from amalgam.paths import project_root

Problem = tuple[KeyPath, Rule, str, str]
"""Path inside the value, rule, reason, remedy."""

_TYPES: dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "dict": lambda value: isinstance(value, dict),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "path": lambda value: isinstance(value, str),
    "str": lambda value: isinstance(value, str | VaultedText),
}
_WORDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path in text",
    "str": "text",
}


@dataclass(frozen=True)
class Option:
    """One option, or one key of an option that is a mapping."""

    kind: str
    required: bool = False
    secret: bool = False
    choices: tuple[Any, ...] = ()
    elements: Option | None = None
    options: dict[str, Option] = field(default_factory=dict)


def load_role_options(roles: Path) -> dict[str, Option]:
    """Every option of every entry point of every role below ``roles``, by its name.

    Raises:
        AmalgamError: a role's ``argument_specs.yml`` is not what Ansible wants of one.
    """
    options: dict[str, Option] = {}
    for file in sorted(roles.glob("*/meta/argument_specs.yml")):
        try:
            content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            entry_points = content["argument_specs"].values()
            for entry_point in entry_points:
                for name, spec in (entry_point.get("options") or {}).items():
                    options.setdefault(name, _option(spec))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise AmalgamError(
                f"not a specification of a role's arguments: {error!r}",
                where=str(file),
                remedy="mend it; `ansible-doc -t role` shows what Ansible makes of it",
            ) from error
    return options


@cache
def set_by_platform() -> frozenset[str]:
    """Names of the variables that our playbooks make of a site's data for the roles.

    They win over an inventory's own ``group_vars/all`` (Ansible's documentation: "Understanding variable precedence").
    """
    file = project_root() / "playbooks/layers/group_vars/all.yml"
    return frozenset(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def _option(spec: dict[str, Any]) -> Option:
    kind = spec.get("type", "str")
    nested = {name: _option(inner) for name, inner in (spec.get("options") or {}).items()}
    elements = None
    if kind == "list" and "elements" in spec:
        elements = Option(spec["elements"], choices=tuple(spec.get("choices", ())), options=nested)
    return Option(
        kind=kind,
        required=spec.get("required", False),
        secret=spec.get("no_log", False),
        choices=() if kind == "list" else tuple(spec.get("choices", ())),
        elements=elements,
        options={} if kind == "list" else nested,
    )


def check_option(option: Option, variable: Variable, faults: list[Fault]) -> None:
    """Add to ``faults`` what is wrong with ``variable`` as a value of ``option``."""
    for path, rule, reason, remedy in _problems(option, variable.value, ()):
        key = dotted((variable.name, *path))
        faults.append(Fault(variable.file, variable.line(path), key, rule, reason, remedy))


def _problems(option: Option, value: object, path: KeyPath) -> Iterator[Problem]:
    if option.kind not in _TYPES:  # raw, any, json: whatever the role makes of it
        return
    if not _TYPES[option.kind](value):
        yield _wrong_type(option, value, path)
        return
    if option.choices and value not in option.choices:
        allowed = ", ".join(str(choice) for choice in option.choices)
        yield path, Rule.BAD_CHOICE, f"must be one of: {allowed}", "use one of the values named"
    if isinstance(value, list) and option.elements:
        for index, item in enumerate(value):
            yield from _problems(option.elements, item, (*path, index))
    if isinstance(value, dict) and option.options:
        yield from _mapping_problems(option.options, value, path)


def _mapping_problems(options: dict[str, Option], value: dict[str, Any], path: KeyPath) -> Iterator[Problem]:
    for key, inner in value.items():
        if key in options:
            yield from _problems(options[key], inner, (*path, key))
        else:
            yield (*path, key), Rule.UNKNOWN_KEY, "no such key", f"there are: {', '.join(sorted(options))}"
    for key, option in options.items():
        if option.required and key not in value:
            yield (
                (*path, key),
                Rule.MISSING_KEY,
                "is missing here",
                f"add it; it is {_WORDS.get(option.kind, 'needed')}",
            )


def _wrong_type(option: Option, value: object, path: KeyPath) -> Problem:
    if isinstance(value, str) and is_template(value):
        reason = f"a template, where {_WORDS[option.kind]} is wanted: its type cannot be checked before a run"
        return path, Rule.BAD_TEMPLATE, reason, "write the value itself"
    if option.kind == "bool" and is_quoted_boolean(value):
        return path, *quoted_boolean(str(value))
    reason = f"must be {_WORDS[option.kind]}, not {type_name(value)}"
    remedy = "put it in quotes" if option.kind in ("str", "path") else f"write {_WORDS[option.kind]}, without quotes"
    return path, Rule.WRONG_TYPE, reason, remedy
