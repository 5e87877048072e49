"""Actions that do their work by a program of :mod:`amalgam.on_host`."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.vars.clean import remove_internal_keys

from amalgam import host_program
from amalgam.errors import told_as


class HostAction(ActionBase):  # type: ignore[misc]
    """An action with a program on the host."""

    program: ClassVar[str]
    """Its name."""

    _supports_check_mode = True

    def __init_subclass__(cls) -> None:
        """Read the program: each task is a fork of the process that imports its action, and what it reads is lost."""
        host_program.sources(cls.program)

    def run_on_host(
        self, params: dict[str, Any], task_vars: dict[str, Any] | None, payload: bytes = b""
    ) -> dict[str, Any]:
        """Run the program in one round trip, and notify the handlers that it calls for.

        Raises:
            AnsibleActionFail: the host cannot run it.
        """
        interpreter = self._interpreter(task_vars or {})
        command = host_program.command(interpreter)
        if environment := self._compute_environment_string().strip():
            command = f"{environment} {command}"
        sent = host_program.packed(
            self.program, params, check_mode=bool(self._task.check_mode), diff=bool(self._task.diff)
        )
        said = self._low_level_execute_command(command, in_data=sent + payload)
        with told_as(AnsibleActionFail):
            result = host_program.result(said["stdout"], said["stderr"], said["rc"], interpreter=interpreter)
        remove_internal_keys(result)
        # The task executor hands the task's own notify list on with the result.
        self._task.notify = [*(self._task.notify or []), *result.pop("notify", [])]
        return result

    def _interpreter(self, task_vars: dict[str, Any]) -> str:
        """As Ansible finds it for modules, but that none is searched for."""
        if self._task.delegate_to:
            task_vars = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        configured = constants.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        return str(self._templar.template(configured))
