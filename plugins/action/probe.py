"""Asks a host something by a command that changes nothing, without Python on the host."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

DOCUMENTATION = """
name: probe
short_description: Ask a host something
description:
  - Runs a command that only reads. It never reports a change, runs in check mode too, and fails where the command does.
  - Costs a tenth of C(command), which has the host unpack and compile a module for every call. Unlike C(raw) it takes
    arguments as a list, standard input and the task's C(environment), and keeps standard error apart.
options:
  argv:
    description: The command, as a list of words. This or O(cmd).
    type: list
    elements: str
  cmd:
    description: The command as a line for the host's C(/bin/sh).
    type: str
  stdin:
    description: What the command reads. Secrets belong here; arguments can be read by every user of the host.
    type: str
attributes:
  check_mode: {support: full, description: It changes nothing.}
  diff_mode: {support: none}
"""

EXAMPLES = """
- name: It is ready
  probe:
    argv: [curl, --silent, --show-error, --fail, --output, /dev/null, http://127.0.0.1:9093/-/ready]
  register: __alertmanager_ready
  until: __alertmanager_ready is succeeded
  retries: 30
  delay: 2
"""

RETURN = """
rc: {description: Exit code., returned: always, type: int}
stdout: {description: What the command said., returned: always, type: str}
stdout_lines: {description: The same in lines., returned: always, type: list, elements: str}
stderr: {description: What it complained of., returned: always, type: str}
"""

_ARGUMENTS: dict[str, Any] = {
    "argv": {"type": "list", "elements": "str"},
    "cmd": {"type": "str"},
    "stdin": {"type": "str"},
}


class ActionModule(ActionBase):
    """See ``DOCUMENTATION``."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task.

        Raises:
            AnsibleActionFail: not exactly one of ``argv`` and ``cmd``.
        """
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            _ARGUMENTS, mutually_exclusive=[["argv", "cmd"]], required_one_of=[["argv", "cmd"]]
        )
        command = (args["cmd"] or shlex.join(args["argv"] or [])).strip()
        if not command:
            raise AnsibleActionFail("argv or cmd: nothing to run; name a command")
        if environment := self._compute_environment_string().strip():
            command = f"export {environment}; {command}"
        # With anything to send, ssh asks for no terminal, which would mix both outputs and end their lines its own way.
        result = self._low_level_execute_command(command, in_data=(args["stdin"] or "\n").encode())
        said = {name: result[name].rstrip("\r\n") for name in ("stdout", "stderr")}
        failed = result["rc"] != 0
        return (
            result | said | {"changed": False, "failed": failed} | ({"msg": "non-zero return code"} if failed else {})
        )
