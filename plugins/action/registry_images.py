"""Makes a registry hold the images of an OCI layout that lies on the host."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.parameters import remove_values

from amalgam_ansible.host_action import HostAction

DOCUMENTATION = """
name: registry_images
short_description: Push the images of an OCI layout into a registry
description:
  - Compares the digest of every image in the layout with what the registry has under the same name, and pushes those
    that differ with C(crane). Indexes keep their digest, so every architecture travels along.
  - Success is what the registry answers afterwards.
options:
  layout:
    description: The OCI layout on this host.
    type: str
    required: true
  registry:
    description: The registry as host:port, HTTPS only.
    type: str
    required: true
  ca_path:
    description: Certificate of the only authority that is trusted for it.
    type: str
    required: true
  username:
    description: Who may push.
    type: str
    required: true
  password:
    description: The password. Never an argument of a process, only in a file that root alone can read.
    type: str
    required: true
  images:
    description: References (C(repository:tag)) to push. All of the layout's by default.
    type: list
    elements: str
attributes:
  check_mode:
    description: Predicts. A registry or layout that is not there yet means that everything would be pushed.
    support: full
"""

EXAMPLES = """
- name: Serve the images
  registry_images:
    registry: "{{ registry_address }}"
    ca_path: /etc/amalgam/pki/ca.crt
    username: push
    password: "{{ site_secrets.registry_push_password }}"
"""

RETURN = """
pushed:
  description: References that were pushed (or would be).
  returned: always
  type: list
  elements: str
"""

ARGUMENTS: dict[str, Any] = {
    "layout": {"type": "str", "required": True},
    "registry": {"type": "str", "required": True},
    "ca_path": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "images": {"type": "list", "elements": "str"},
}


class ActionModule(HostAction):
    """See ``DOCUMENTATION``."""

    program = "registry_images"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the program; whatever it says, the password is none of it."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(ARGUMENTS)
        result = self.run_on_host(args, task_vars)
        return dict(remove_values(result, {args["password"]}))
