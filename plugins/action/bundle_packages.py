"""Installs Debian packages from the bundle's repository, and from nowhere else."""

from __future__ import annotations

from typing import Any

from amalgam_ansible.host_action import HostAction

DOCUMENTATION = """
name: bundle_packages
short_description: Install Debian packages from the bundle's repository
description:
  - Makes the named packages be installed, in the newest version that the bundle's repository has.
  - Uses the repository in C(/etc/apt/sources.list.d/amalgam.sources) and no other, whatever else the host has.
  - While every package is installed, and the repository's lists are current and hold nothing newer, apt is not run.
    The lists are current while C(amalgam.sources) is the file they were fetched with, so write the bundle's digest
    into it as a comment.
  - Finishes what an interrupted dpkg left half done. Waits for another dpkg or apt that holds the lock.
options:
  packages:
    description: Names of packages.
    type: list
    elements: str
    required: true
  units:
    description: Units of systemd that the packages bring, to run and to start at boot.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Predicts from what is installed and from the lists that are there.
    support: full
"""

EXAMPLES = """
- name: Install packages
  bundle_packages:
    packages: [chrony, conntrack, nftables]
    units: [chrony]
"""

RETURN = """
installed:
  description: Packages that were installed, upgraded or repaired (or would be).
  returned: always
  type: list
  elements: str
started:
  description: Units that were started or enabled (or would be).
  returned: always
  type: list
  elements: str
repaired:
  description: Packages that an interrupted dpkg had left half done.
  returned: always
  type: list
  elements: str
"""

ARGUMENTS: dict[str, Any] = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "units": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(HostAction):
    """See ``DOCUMENTATION``."""

    program = "bundle_packages"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the program."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(ARGUMENTS)
        return self.run_on_host(args, task_vars)
