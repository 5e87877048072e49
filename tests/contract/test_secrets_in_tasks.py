"""What a task is given and what it found is printed, at -vvv or when it fails, unless it says otherwise.

Seen in peers: join tokens and passwords in the logs of installers, and `no_log: true` by hand in most places but not
in all, which also leaves no way to see why such a task failed. Here one switch, `site_no_log`, holds for all.

A value is secret when its option says `no_log: true`, when it comes from `site_secrets`, or when it is the result of
a task that hides it. Modules listed in `HIDES_ITSELF` keep the secret out of their result on their own.
"""

from __future__ import annotations

import re
from functools import cache

from tests.contract.repository import ROOT, Role, Task, all_tasks, roles, text

# template_tree: content of files with secret modes is left out of result and diff (tests/unit/plugins).
# registry_images: its option `password` is no_log, see the last test. assert: prints expressions, never their values.
# harbor_state, alertmanager_silence: their options are no part of their results (tests/unit/plugins).
HIDES_ITSELF = frozenset({"template_tree", "registry_images", "harbor_state", "alertmanager_silence", "assert"})

SWITCH_IN_ROLES = "{{ site_no_log | default(true) }}"
SWITCH_IN_PLAYBOOKS = "{{ site_no_log }}"


@cache
def _secret_names() -> frozenset[str]:
    options = {name for role in roles() for name, spec in role.options.items() if spec.get("no_log")}
    results = {task.keywords["register"] for task in all_tasks() if {"no_log", "register"} <= set(task.keywords)}
    return frozenset(options | results | {"site_secrets"})


def _mentions(content: str) -> set[str]:
    return {name for name in _secret_names() if re.search(rf"\b{name}\b", content)}


def _secrets_of(task: Task) -> set[str]:
    """The secrets that the task's module is given, through templates it looks up as well."""
    content = str(task.arguments) + str(task.keywords.get("environment", "")) + str(task.keywords.get("vars", ""))
    found = _mentions(content)
    for template in re.findall(r"lookup\('ansible\.builtin\.template', '([^']+)'", content):
        found |= _mentions(text(task.file.parents[1] / "templates" / template))
    return found


def test_there_are_secrets_to_look_for() -> None:
    assert {"site_secrets", "registry_push_password", "control_plane_encryption_key"} <= _secret_names()


def test_a_task_that_is_given_a_secret_hides_it() -> None:
    open_ones = [
        f"{task}: {', '.join(sorted(_secrets_of(task)))}"
        for task in all_tasks()
        if task.module not in HIDES_ITSELF and "no_log" not in task.keywords and _secrets_of(task)
    ]
    assert not open_ones


def test_one_switch_decides_what_is_hidden() -> None:
    other = [
        f"{task}: {task.keywords['no_log']}"
        for task in all_tasks()
        if "no_log" in task.keywords
        and task.keywords["no_log"] != (SWITCH_IN_ROLES if task.file.parts[0] == "roles" else SWITCH_IN_PLAYBOOKS)
    ]
    assert not other


def test_secrets_are_never_arguments_of_a_program() -> None:
    """Arguments can be read by every user of the host while the program runs; input cannot."""
    told = [
        f"{task}: {name}"
        for task in all_tasks()
        if task.module in ("command", "probe", "raw", "script", "shell")
        for name in _mentions(str({key: value for key, value in task.arguments.items() if key != "stdin"}))
    ]
    assert not told


def test_actions_that_take_a_secret_hide_it_themselves() -> None:
    source = (ROOT / "plugins/action/registry_images.py").read_text(encoding="utf-8")
    assert re.search(r"password[\"']?\s*[:=]\s*(\{|dict\()[^})]*no_log[\"']?\s*[:=]\s*True", source)


def test_files_with_secrets_are_for_their_owner_alone(role: Role) -> None:
    """A template that holds a secret gets its mode from the role's template_tree task."""
    secret = [file for file in role.files if "templates" in file.parts[2] and _mentions(text(file))]
    trees = [task for task in all_tasks() if task.module == "template_tree" and role.folder in task.file.parents]
    modes = [
        str(mode) for task in trees for mode in (*task.arguments.get("modes", {}).values(), task.arguments.get("mode"))
    ]
    looked_up = "".join(text(file) for file in role.task_files)
    for file in secret:
        if file.name not in looked_up:
            assert {"0600", "0640", "0400"} & set(modes), f"{file} would be readable by every user of the host"
