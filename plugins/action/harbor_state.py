"""Makes a Harbor as the site declares it, from the controller: a shim over :mod:`amalgam.harbor`."""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from pydantic import ValidationError

from amalgam.connection import UnreachableError
from amalgam.errors import AmalgamError, told_as
from amalgam.harbor.client import HarborClient
from amalgam.harbor.reconcile import Action, Change, Reconciler, lines, with_platform
from amalgam.harbor.resource import HarborSecrets
from amalgam.models.harbor import HarborData

DOCUMENTATION = """
name: harbor_state
short_description: Make a Harbor as the site declares it
description:
  - Compares projects, quotas, members, robot accounts, retention, endpoints, replications and schedules with what is
    declared, by Harbor's API, and mends what differs. What Harbor has besides is warned of and left, unless
    C(declared.absent) names it.
  - The projects that the bundle's own images lie in are declared too, for all to pull from.
  - Runs on the controller. No option is ever part of its result.
options:
  address:
    description: C(HOST:PORT) of Harbor as the controller reaches it, HTTPS only.
    type: str
    required: true
  ca_certificate:
    description: Certificate (PEM) of the only authority that is trusted for it.
    type: str
    required: true
  password:
    description: Password of Harbor's administrator.
    type: str
    required: true
  robot_secrets:
    description: Secrets of robot accounts by C(project/name).
    type: dict
    default: {}
  registry_secrets:
    description: Secrets of the accounts at endpoints, by endpoint.
    type: dict
    default: {}
  declared:
    description: What is to be in it, in the form of C(amalgam.models.harbor.HarborData); empty values are left out.
    type: dict
    required: true
attributes:
  check_mode: {support: full, description: A Harbor that does not answer yet is one where all would be made.}
  diff_mode: {support: full, description: "Field by field, what Harbor has -> what is declared."}
"""

EXAMPLES = """
- name: Make the projects
  harbor_state:
    address: 10.20.0.31:5000
    ca_certificate: "{{ site_secrets.ca_certificate }}"
    password: "{{ site_secrets.harbor_admin_password }}"
    declared:
      projects: [{name: vision, members: [{user: alice, role: developer}]}]
"""

RETURN = """
drift:
  description: What was not as declared, a line each.
  returned: always
  type: list
  elements: str
"""

_ARGUMENTS: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "ca_certificate": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "robot_secrets": {"type": "dict", "default": {}, "no_log": True},
    "registry_secrets": {"type": "dict", "default": {}, "no_log": True},
    "declared": {"type": "dict", "required": True},
}


class ActionModule(ActionBase):
    """See ``DOCUMENTATION``."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        super().run(tmp, task_vars)
        _, tagged = self.validate_argument_spec(_ARGUMENTS)
        given = json.loads(json.dumps(tagged))  # Ansible's strings carry tags of its own
        with told_as(AnsibleActionFail):
            try:
                return self._compared(given)
            except UnreachableError as error:
                if not self._task.check_mode:
                    raise
                return {"changed": True, "drift": [], "msg": f"{error.what}: everything would be made"}

    def _compared(self, given: dict[str, Any]) -> dict[str, Any]:
        changes = self._reconcile(given)
        for change in changes:
            if change.action is Action.KEEP:
                Display().warning(f"Harbor: {change.lines()[0]}, and left as it is")
        drift = lines(changes)
        shown = {
            "before_header": "Harbor",
            "after_header": "declared",
            "prepared": "".join(f"{one}\n" for one in drift),
        }
        changed = any(change.action is not Action.KEEP for change in changes)
        return {"changed": changed, "drift": drift, "diff": shown if drift else []}

    def _reconcile(self, arguments: dict[str, Any]) -> list[Change]:
        secrets = HarborSecrets(arguments["robot_secrets"], arguments["registry_secrets"], arguments["password"])
        data = with_platform(_parsed(arguments["declared"]))
        with HarborClient(arguments["address"], arguments["ca_certificate"], arguments["password"]) as client:
            reconciler = Reconciler(client, data, secrets)
            changes = reconciler.plan()
            if not self._task.check_mode:
                reconciler.apply(changes, lambda change: Display().display(f"  {change.action} {change.label}"))
        return changes


def _parsed(declared: dict[str, Any]) -> HarborData:
    try:
        return HarborData.model_validate({name: value for name, value in declared.items() if value})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise AmalgamError(faults, where="declared", remedy="`amalgam site check` says it with file and line") from None
