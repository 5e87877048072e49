"""The same thing twice is mended once.

Seen in kubeasz and ascend-deployer: roles made by copying another one and renaming its variables, with the same fault
in each copy years later.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.contract.repository import Role, files_below, roles, text

_ROLES = [role.name for role in roles()]


def _essence(content: str, names: Iterable[str]) -> str:
    """The content without comments, names of tasks and ``names`` of roles, so that a renamed copy is the same."""
    lines = [line for line in content.splitlines() if not re.match(r"\s*(#|//|;|$)|\s*-? ?name: [A-Z]|---", line)]
    return re.sub("|".join(names), "ROLE", " ".join("\n".join(lines).split()))


def _twins(files: Iterable[Path]) -> list[str]:
    by_essence: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_essence[_essence(text(file), _ROLES)].append(str(file))
    return [" = ".join(names) for essence, names in by_essence.items() if essence and len(names) > 1]


def _task_files(role: Role) -> list[Path]:
    return [file for file in role.task_files if file.name != "main.yml"]


def test_no_two_task_files_are_the_same() -> None:
    assert _twins(file for role in roles() for file in _task_files(role)) == []


def test_no_two_templates_are_the_same() -> None:
    assert _twins(file for file in files_below("roles") if file.parts[2].startswith(("templates", "files"))) == []


def test_a_copy_with_other_names_is_seen() -> None:
    copies = [f"---\n# of {name}\n- name: Do {name}\n  debug: {{msg: '{name}_x'}}\n" for name in ("one", "two")]
    assert _essence(copies[0], ["one", "two"]) == _essence(copies[1], ["one", "two"]) != ""
