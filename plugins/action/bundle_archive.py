"""Controller side of bundle_archive: turns the handlers' globs into rules, and notifies what the module found due."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from amalgam.errors import AmalgamError
from amalgam.path_globs import handler_rules


class ActionModule(ActionBase):
    """See the documentation in ``plugins/modules/bundle_archive.py``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Execute the module once and notify handlers by what changed.

        Raises:
            AnsibleActionFail: a handler's glob is absolute or empty.
        """
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        try:
            args["rules"] = handler_rules(args.get("handlers") or {})
        except AmalgamError as error:
            raise AnsibleActionFail(f"handlers: {error}") from error
        result = self._execute_module("bundle_archive", args, task_vars=task_vars)
        # The task executor hands the task's own notify list on with the result.
        self._task.notify = [*(self._task.notify or []), *result.pop("notify", [])]
        return result
