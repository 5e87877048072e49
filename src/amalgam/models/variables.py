"""Decides for each variable of a site what it is (core key, Ansible's own, a role's option), and checks it as that."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from amalgam.models.faults import Fault, Rule
from amalgam.models.inventory import Variable
from amalgam.models.role_options import Option, check_option
from amalgam.models.validate import check_value
from amalgam.models.yaml_source import KeyPath, dotted

# How a site says how Ansible gets in (its documentation: "Special variables", connection variables).
_TEXT = TypeAdapter(str)
_PORT = TypeAdapter(int)
_BOOLEAN = TypeAdapter(bool)
_SECRET = TypeAdapter(Any)  # given as !vault, which PLAIN_SECRET sees to
CONNECTION_VARIABLES: dict[str, TypeAdapter[Any]] = {
    "ansible_become": _BOOLEAN,
    "ansible_become_method": _TEXT,
    "ansible_become_password": _SECRET,
    "ansible_become_user": _TEXT,
    "ansible_password": _SECRET,
    "ansible_port": _PORT,
    "ansible_python_interpreter": _TEXT,
    "ansible_ssh_common_args": _TEXT,
    "ansible_ssh_extra_args": _TEXT,
    "ansible_ssh_private_key_file": _TEXT,
    "ansible_user": _TEXT,
}

# Ansible's documentation, "Playbook keywords". A variable of such a name is legal, does nothing, and reads as if it
# did: a peer's `any_errors_fatal` in group_vars let a run with a dead host pass.
# fmt: off
_PLAY_KEYWORDS = frozenset({
    "action", "any_errors_fatal", "args", "async", "become", "become_exe", "become_flags", "become_method",
    "become_user", "changed_when", "check_mode", "collections", "connection", "debugger", "delay", "delegate_facts",
    "delegate_to", "diff", "environment", "fact_path", "failed_when", "force_handlers", "gather_facts",
    "gather_subset", "gather_timeout", "handlers", "hosts", "ignore_errors", "ignore_unreachable", "local_action",
    "loop", "loop_control", "max_fail_percentage", "module_defaults", "name", "no_log", "notify", "order", "poll",
    "port", "post_tasks", "pre_tasks", "register", "remote_user", "retries", "roles", "run_once", "serial",
    "strategy", "tags", "tasks", "throttle", "timeout", "until", "user", "vars", "vars_files", "vars_prompt", "when",
})
# fmt: on

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|pass|secret|token|api_key|private_key|encryption_key|certificate_key)$"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def check_variable(
    variable: Variable,
    core: Mapping[str, TypeAdapter[Any]],
    roles: Mapping[str, Option],
    faults: list[Fault],
) -> object:
    """The value of ``variable`` if it is one of the ``core`` keys and good; faults are added to ``faults``."""
    declared = variable.name in roles and roles[variable.name].secret
    secrets = list(_plain_secrets(variable.name, variable.value, (), declared))
    if secrets:
        reason = "a secret that everyone who reads this file can read"
        remedy = "remove it: `amalgam site secrets` makes the secrets; give one from outside as !vault"
        for path in secrets:
            key = dotted((variable.name, *path))
            faults.append(Fault(variable.file, variable.line(path), key, Rule.PLAIN_SECRET, reason, remedy))
        return None
    if variable.name in core:
        return check_value(core[variable.name], variable, faults)
    if variable.name in CONNECTION_VARIABLES:
        check_value(CONNECTION_VARIABLES[variable.name], variable, faults)
    elif variable.name in roles:
        check_option(roles[variable.name], variable, faults)
    else:
        faults.append(_unknown(variable, [*core, *CONNECTION_VARIABLES, *roles]))
    return None


def _unknown(variable: Variable, known: list[str]) -> Fault:
    place = (variable.file, variable.line(), variable.name)
    if variable.name in _PLAY_KEYWORDS:
        reason = "a keyword of plays: as a variable it does nothing, though it reads as if it did"
        return Fault(*place, Rule.PLAY_KEYWORD, reason, "remove it; how plays run is set in playbooks/")
    close = difflib.get_close_matches(variable.name, known, n=1)
    remedy = (
        f"did you mean {close[0]}?" if close else "remove it, or declare it in the meta/argument_specs.yml of its role"
    )
    return Fault(*place, Rule.UNKNOWN_KEY, "no part of the site's data and no option of any role", remedy)


def _plain_secrets(name: str, value: object, path: KeyPath, declared: bool = False) -> Iterator[KeyPath]:
    """Paths of what is a secret by its declaration, its name or its look, and readable."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _plain_secrets(str(key), inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _plain_secrets(name, inner, (*path, index))
    elif isinstance(value, str):
        secret = declared or _SECRET_NAME.search(name) or _PRIVATE_KEY.search(value)
        # Narrower than is_template: what `{{ }}` looks up lies elsewhere, but a secret may stand between `{% %}`.
        if secret and "{{" not in value:
            yield path
