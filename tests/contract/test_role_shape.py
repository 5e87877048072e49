"""Every role is built alike, so that who knows one knows all.

Seen in kubespray and ascend-deployer: roles that name inventory groups and so work in one inventory only, and task
files of many hundred lines; seen everywhere: a role without a page that says what it does, and one that no test ever
ran.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.repository import Role, files, tasks_of, text

LONGEST_TASK_FILE = 80


def test_a_role_has_a_page_specifications_and_a_scenario(role: Role) -> None:
    wanted = (
        role.folder / "README.md",
        role.folder / "meta" / "argument_specs.yml",
        Path("molecule") / role.name / "molecule.yml",
        Path("tests") / "testinfra" / f"test_{role.name}.py",
    )
    assert [str(file) for file in wanted if file not in files()] == []


def test_a_page_says_where_the_variables_are_described(role: Role) -> None:
    page = text(role.folder / "README.md")
    assert page.startswith(f"# {role.name}\n")
    assert "meta/argument_specs.yml" in page
    assert 6 <= len(page.splitlines()) <= 40


def test_a_role_names_no_group_of_the_inventory(role: Role) -> None:
    named = [str(file) for file in role.files if re.search(r"\bgroups\b\s*[\[.]|\bgroup_names\b", text(file))]
    assert not named, "what depends on the inventory comes in by a variable (playbooks/layers/group_vars/all.yml)"


def test_a_role_does_not_ask_whether_it_is_in_a_lab(role: Role) -> None:
    assert [str(file) for file in role.files if file.suffix != ".md" and re.search(r"\blab\b|nspawn", text(file))] == []


def test_task_files_are_short(role: Role) -> None:
    long = [
        file for file in (*role.task_files, *role.handler_files) if len(text(file).splitlines()) > LONGEST_TASK_FILE
    ]
    assert [str(file) for file in long] == []


def test_main_is_an_index_with_a_name_for_every_line(role: Role) -> None:
    index = tasks_of(role.folder / "tasks" / "main.yml")
    strangers = [
        str(task)
        for task in index
        if task.module not in ("import_tasks", "include_tasks") or "name" not in task.keywords
    ]
    assert not strangers


def test_every_task_file_is_in_the_index(role: Role) -> None:
    used = {role.folder / "tasks" / "main.yml"}
    for file in role.task_files:
        for task in tasks_of(file):
            if task.module in ("import_tasks", "include_tasks"):
                used.add(file.parent / (task.arguments.get("file") or task.arguments["_raw_params"]))
    assert [str(file) for file in role.task_files if file not in used] == []
