"""Checks the site's data and its bundle on the controller, and hands its secrets to the play. No host is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from amalgam.bundle.manifest import Manifest, verify_bundle
from amalgam.errors import AmalgamError, told_as
from amalgam.models import Site, load_site
from amalgam.pins import load_lock
from amalgam.pki import ServerName
from amalgam.secrets import SiteSecrets, prepare_secrets

DOCUMENTATION = """
name: site_prepare
short_description: Check a site's data, its bundle and its secrets on the controller
description:
  - Refuses a site whose data has faults, naming all of them, and one whose bundle is not signed by an allowed signer,
    was made from another lock, or lacks an architecture of its hosts.
  - Makes the site's secrets at the first run and reads them at every other, and issues server certificates of the
    site's own authority where there is none, where its names changed, or where a third of its time is left.
  - Returns the facts C(site_secrets), C(site_bundle) and C(site_registry_projects), which has the site's projects with
    the members of their VCs. A success is never printed, so the task needs no C(no_log); with it, the faults could not
    be read either.
  - In check mode nothing is written. What is missing is made in memory, so that a new site can be checked.
options:
  certificates:
    description: Certificates that the play needs.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: What the play calls it., type: str, required: true}
      dns: {description: Names of the server., type: list, elements: str, default: []}
      addresses: {description: IP addresses of the server., type: list, elements: str, default: []}
      client: {description: Whether it is shown to servers., type: bool, default: false}
attributes:
  check_mode: {support: full, description: Writes nothing.}
"""

EXAMPLES = """
- name: Check the site and read its secrets
  site_prepare:
    certificates:
      - {name: bundle-server, dns: [bundle.example.internal], addresses: [10.20.0.31]}
  run_once: true
"""

_CERTIFICATE = {
    "name": {"type": "str", "required": True},
    "dns": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "client": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """See ``DOCUMENTATION``."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {"certificates": {"type": "list", "elements": "dict", "default": [], "options": _CERTIFICATE}}
        )
        # A fact of this action goes wherever facts are cached; only memory forgets it.
        if constants.CACHE_PLUGIN != "memory":
            raise AnsibleActionFail(
                f"fact_caching is {constants.CACHE_PLUGIN}: it would write the site's secrets to disk"
            )
        with told_as(AnsibleActionFail):
            site = load_site(_inventory_of(task_vars or {}))
            manifest = _bundle_of(site)
            # Ansible's strings carry its own tags, which a file of secrets has no use for.
            servers = [
                ServerName(
                    str(one["name"]),
                    [str(dns) for dns in one["dns"]],
                    [str(ip) for ip in one["addresses"]],
                    bool(one["client"]),
                )
                for one in arguments["certificates"]
            ]
            name, write = site.settings.site_name, not self._task.check_mode
            accounts = {"registry_users": site.registry_users, "harbor_robots": site.harbor_robots}
            accounts["monitoring_users"] = site.monitoring_users
            prepared = prepare_secrets(site.state_dir, name, servers, **accounts, write=write)
        facts = {
            "site_secrets": _secrets_for_hosts(prepared.secrets),
            "site_bundle": _facts_of(site, manifest),
            "site_registry_projects": [project.model_dump() for project in site.registry_projects],
        }
        return {**result, "changed": prepared.changed, "ansible_facts": facts, "_ansible_no_log": True}


def _inventory_of(task_vars: dict[str, Any]) -> Path:
    folder = task_vars.get("inventory_dir")
    if not folder:
        raise AmalgamError("the inventory is no folder", remedy="give one: ansible-playbook -i inventories/SITE")
    return Path(str(folder))


def _bundle_of(site: Site) -> Manifest:
    manifest = verify_bundle(site.bundle_path, site.bundle_allowed_signers, deep=False)
    if missing := sorted(set(site.architectures) - set(manifest.arches)):
        raise AmalgamError(
            f"the bundle has nothing for {', '.join(missing)}, which hosts of the inventory are",
            where=str(site.bundle_path),
            remedy=f"amalgam bundle build {' '.join(f'--arch {arch}' for arch in site.architectures)}",
        )
    if manifest.lock_digest != load_lock().digest():
        raise AmalgamError(
            "the bundle was made from another versions/lock.yml than this checkout has",
            where=str(site.bundle_path),
            remedy="build the bundle anew, or check out the release it belongs to",
        )
    return manifest


def _facts_of(site: Site, manifest: Manifest) -> dict[str, Any]:
    """What roles need to know of the bundle: which part to carry over, and the checksum of each archive."""
    archives: dict[str, dict[str, str]] = {architecture: {} for architecture in site.architectures}
    for artifact in manifest.artifacts:
        if artifact.kind == "archive" and artifact.arch in archives:
            archives[artifact.arch][Path(artifact.path).name.removesuffix(".tar.gz")] = artifact.sha256
    return {"architectures": list(site.architectures), "archives": archives, "lock_digest": manifest.lock_digest}


def _secrets_for_hosts(secrets: SiteSecrets) -> dict[str, Any]:
    """All but the authority's own key, which signs here and nowhere else."""
    content = secrets.model_dump()
    return {"ca_certificate": content.pop("site_ca")["certificate"], **content}
