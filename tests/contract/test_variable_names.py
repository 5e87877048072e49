"""Names and booleans that read as one thing and do another.

Seen in a peer: a variable named `any_errors_fatal` in group_vars did nothing, one dead host cached zero facts and the
run exited 0; and quoted booleans, which are true whatever they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from ansible.vars.reserved import get_reserved_names

from tests.contract.repository import all_tasks, files_below, roles, yaml_data, yaml_nodes

_BOOLEAN_WORDS = frozenset({"true", "false", "yes", "no", "on", "off"})


def _variables() -> Iterator[tuple[str, str]]:
    """Where and how each variable of the repository is named."""
    for role in roles():
        for folder in ("defaults", "vars"):
            yield from ((f"{role.folder}/{folder}", name) for name in role.variables(folder))
    for file in files_below("playbooks", "inventories", suffixes=(".yml",)):
        if {"group_vars", "host_vars"} & set(file.parts):
            yield from ((str(file), name) for name in yaml_data(file) or {})
    for task in all_tasks():
        named = [task.keywords["register"]] if "register" in task.keywords else []
        named += task.keywords.get("vars", {})
        named += task.arguments if task.module == "set_fact" else []
        yield from ((str(task), name) for name in named if name != "__line__")


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def _false_booleans(file: Path) -> list[str]:
    return [
        f"{file}:{scalar.start_mark.line + 1}: {scalar.value}"
        for document in yaml_nodes(file)
        for scalar in _scalars(document)
        if scalar.value.lower() in _BOOLEAN_WORDS and not (scalar.style is None and scalar.value in ("true", "false"))
    ]


def test_no_variable_is_named_after_a_keyword_of_plays() -> None:
    reserved = get_reserved_names(include_private=False) | {"gather_facts", "roles"}
    assert "any_errors_fatal" in reserved
    assert [f"{place}: {name}" for place, name in _variables() if name in reserved] == []


def test_a_registered_result_in_a_role_is_internal_to_it() -> None:
    strangers = [
        str(task)
        for role in roles()
        for task in all_tasks()
        if role.folder in task.file.parents
        and not str(task.keywords.get("register", f"__{role.name}_")).startswith(f"__{role.name}_")
    ]
    assert strangers == []


def test_booleans_are_true_or_false_without_quotes() -> None:
    found = files_below("roles", "playbooks", "inventories", "molecule", suffixes=(".yml",))
    assert found
    assert [place for file in found for place in _false_booleans(file)] == []
