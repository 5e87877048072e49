"""Keeps alerts silent that a play is about to raise: a shim over :mod:`amalgam.monitoring.silences`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from amalgam.connection import UnreachableError
from amalgam.credentials_file import Account
from amalgam.errors import told_as
from amalgam.monitoring.silences import Alertmanager, Matcher, parse_matcher

DOCUMENTATION = """
name: alertmanager_silence
short_description: Keep alerts silent for a while
description:
  - Makes a silence in Alertmanager, or lengthens the one with the same matchers and comment, or ends it.
  - Runs on the controller. The password is no part of its result.
options:
  url:
    description: C(https://HOST:PORT) of the site's web server as the controller reaches it.
    type: str
    required: true
  ca_certificate:
    description: Certificate (PEM) of the only authority that is trusted for it.
    type: str
    required: true
  username:
    description: A user who may silence.
    type: str
    required: true
  password:
    description: Password of that user.
    type: str
    required: true
  matchers:
    description: "What alerts have to match, all of it: C(node=gpu1), C(alertname=~Node.+)."
    type: list
    elements: str
    required: true
  minutes:
    description: How long from now on.
    type: int
    default: 60
  comment:
    description: Why. With the matchers, it is what the silence is known by.
    type: str
    required: true
  state:
    description: C(absent) ends it.
    type: str
    choices: [present, absent]
    default: present
  required:
    description: >-
      Whether it is a failure when Alertmanager does not answer. Where it is none, nobody would be told anyway, and no
      work waits for a monitoring that is down.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Reads only.}
"""

EXAMPLES = """
- name: Keep what is about to happen silent
  alertmanager_silence:
    url: https://monitoring.example.internal:8445
    ca_certificate: "{{ site_secrets.ca_certificate }}"
    username: amalgam
    password: "{{ site_secrets.monitoring_passwords.amalgam }}"
    matchers: ["node={{ inventory_hostname }}"]
    minutes: 30
    comment: upgrade
"""

RETURN = """
ids:
  description: Identifiers of the silences that were found or made.
  returned: always
  type: list
  elements: str
"""

_ARGUMENTS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "ca_certificate": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "matchers": {"type": "list", "elements": "str", "required": True},
    "minutes": {"type": "int", "default": 60},
    "comment": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "required": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """See ``DOCUMENTATION``."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task.

        Raises:
            AnsibleActionFail: a matcher that is none, or Alertmanager refuses.
        """
        super().run(tmp, task_vars)
        _, tagged = self.validate_argument_spec(_ARGUMENTS)
        given = json.loads(json.dumps(tagged))  # Ansible's strings carry tags of its own
        with told_as(AnsibleActionFail):
            try:
                return self._silenced(given)
            except UnreachableError as error:
                if given["required"]:
                    raise
                self._display.warning(f"{error.where}: {error.what}; nothing was silenced")
                return {"changed": False, "ids": [], "msg": error.what}

    def _silenced(self, given: dict[str, Any]) -> dict[str, Any]:
        matchers = [parse_matcher(text) for text in given["matchers"]]
        account = Account(user=given["username"], password=given["password"], ca_certificate=given["ca_certificate"])
        act = self._ended if given["state"] == "absent" else self._made
        with Alertmanager(given["url"], account) as alertmanager:
            return act(alertmanager, matchers, given)

    def _made(self, alertmanager: Alertmanager, matchers: list[Matcher], given: dict[str, Any]) -> dict[str, Any]:
        length, author = timedelta(minutes=given["minutes"]), given["username"]
        write = not self._task.check_mode
        found, changed = alertmanager.silence(matchers, length, given["comment"], author, write=write)
        return {"changed": changed, "ids": [found] if found else []}

    def _ended(self, alertmanager: Alertmanager, matchers: list[Matcher], given: dict[str, Any]) -> dict[str, Any]:
        found = [silence.id for silence in alertmanager.like(matchers, given["comment"])]
        if not self._task.check_mode:
            for identifier in found:
                alertmanager.expire(identifier)
        return {"changed": bool(found), "ids": found}
