"""A task says honestly whether it failed and whether it changed something.

Seen in peers: `ignore_errors` around a join, so that a cluster without its node counted as installed; `failed_when:
false` whose result nobody looked at; commands that report a change at every run, which makes "changed=0" unprovable.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.repository import Task, all_tasks, files_below, text, yaml_data

_COMMANDS = frozenset({"command", "shell", "raw", "script"})


def _may_fail(task: Task) -> bool:
    return task.keywords.get("failed_when") in (False, "false", "False")


def test_errors_are_never_ignored() -> None:
    assert all_tasks()
    everywhere = files_below("roles", "playbooks", "molecule", suffixes=(".yml",))
    assert [
        str(file) for file in everywhere if re.search(r"^\s*(- )?ignore_errors\s*:", text(file), re.MULTILINE)
    ] == []


def test_no_task_may_fail_unseen() -> None:
    assert [str(task) for task in all_tasks() if _may_fail(task)] == []


def test_every_command_says_when_it_changes_something() -> None:
    silent = [
        str(task)
        for task in all_tasks()
        if task.module in _COMMANDS
        and "changed_when" not in task.keywords
        and not {"creates", "removes"} & set(task.arguments)
    ]
    assert not silent


def test_every_task_has_a_name() -> None:
    assert [str(task) for task in all_tasks() if "name" not in task.keywords] == []


def test_a_wait_has_a_budget() -> None:
    endless = [
        str(task) for task in all_tasks() if "until" in task.keywords and not {"retries", "delay"} <= set(task.keywords)
    ]
    assert not endless, "say `retries` and `delay`"


def test_no_expression_means_a_newline_by_a_backslash() -> None:
    # Ansible keeps backslashes in expressions as they are, so this is two characters and no newline.
    written = re.compile(r"'(\\[nt])+'")
    tasks = files_below("roles", "playbooks", "molecule", suffixes=(".yml",))
    assert [str(file) for file in tasks if written.search(text(file))] == []


def test_the_linter_knows_every_action_of_ours() -> None:
    ours = {file.stem for file in files_below("plugins/action", suffixes=(".py",))}
    assert set(yaml_data(Path(".ansible-lint"))["mock_modules"]) == ours
