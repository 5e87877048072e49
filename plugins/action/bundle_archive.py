"""Unpacks an archive of the bundle on a host, and notifies handlers by what changed."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from amalgam.errors import AmalgamError
from amalgam.path_globs import handler_rules
from amalgam_ansible.host_action import HostAction

DOCUMENTATION = """
name: bundle_archive
short_description: Unpack an archive of the bundle by checksum
description:
  - Downloads an archive over HTTPS, checks its sha256, and puts its files in place one by one, each in one step.
  - What it placed is recorded in C(var/lib/amalgam/archives/<name>.json) under O(dest). While record and files agree,
    nothing is downloaded.
  - Files of the archive's previous version that the new one lacks are removed.
  - A restart that a killed run left undone ("Restart <unit>" handlers) is notified again by the next run.
options:
  name:
    description: The archive's name on this host, which its record bears.
    type: str
    required: true
  url:
    description: Where the archive is served, HTTPS only.
    type: str
    required: true
  sha256:
    description: The archive's checksum, 64 hex digits.
    type: str
    required: true
  ca_path:
    description: Certificate of the only authority that is trusted for the download.
    type: str
    required: true
  dest:
    description: Folder that the archive's paths are relative to.
    type: str
    default: /
  handlers:
    description:
      - Path globs to a handler's name, or a list of names. A glob that matches no file of the archive is refused.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Predicts without downloading.
    support: full
"""

EXAMPLES = """
- name: Unpack the node's programs
  bundle_archive:
    name: node
    url: https://bundle.lab.amalgam.internal/archives/amd64/node.tar.gz
    sha256: "{{ node_archive_sha256 }}"
    ca_path: /etc/amalgam/pki/ca.crt
    handlers:
      usr/local/bin/containerd*: Restart containerd
"""

RETURN = """
changed_paths:
  description:
    - Paths that were written, corrected or removed, relative to O(dest).
    - Empty in check mode while they are not known yet.
  returned: always
  type: list
  elements: str
"""

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "ca_path": {"type": "str", "required": True},
    "dest": {"type": "str", "default": "/"},
    "handlers": {"type": "dict", "default": {}},
}


class ActionModule(HostAction):
    """See ``DOCUMENTATION``."""

    program = "bundle_archive"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Turn the handlers' globs into rules, and run the program.

        Raises:
            AnsibleActionFail: a handler's glob is absolute or empty.
        """
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(ARGUMENTS)
        try:
            rules = handler_rules(args.pop("handlers"))
        except AmalgamError as error:
            raise AnsibleActionFail(f"handlers: {error}") from error
        return self.run_on_host(args | {"rules": rules}, task_vars)
