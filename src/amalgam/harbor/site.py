"""Harbor of one site: where it is, who it is told by, and what it is to have."""

from __future__ import annotations

import yaml

from amalgam.errors import AmalgamError
from amalgam.harbor.client import HarborClient
from amalgam.harbor.reconcile import Reconciler, with_platform
from amalgam.harbor.resource import HarborSecrets
from amalgam.models import Site
from amalgam.paths import project_root
from amalgam.secrets import SiteSecrets, prepare_secrets

_SERVICES = "playbooks/layers/group_vars/all.yml"


def secrets_for_harbor(secrets: SiteSecrets) -> HarborSecrets:
    """Those of the site's secrets that are given to Harbor."""
    key = secrets.harbor_admin_password
    return HarborSecrets(secrets.harbor_robot_secrets, secrets.harbor_registry_secrets, key)


def connect(site: Site, address: str = "", *, write: bool) -> tuple[HarborClient, Reconciler]:
    """The Harbor of ``site``, asked at ``address`` (``HOST:PORT``; default: where the playbook puts it).

    Secrets that robot accounts still lack are made, and kept where ``write`` says so: those given to Harbor must be.

    Raises:
        AmalgamError: the site's registry is another, or its secrets cannot be read.
    """
    if site.harbor is None:
        remedy = (
            "the embedded registry is a host's files: `ansible-playbook --check --diff --tags registry` compares them"
        )
        raise AmalgamError("the site's registry is not Harbor", where=str(site.folder), remedy=remedy)
    name, robots = site.settings.site_name, site.harbor.robot_names()
    prepared = prepare_secrets(site.state_dir, name, harbor_robots=robots, write=write)
    secrets = prepared.secrets
    client = HarborClient(address or _address(site), secrets.site_ca.certificate, secrets.harbor_admin_password)
    return client, Reconciler(client, with_platform(site.harbor), secrets_for_harbor(secrets))


def _address(site: Site) -> str:
    services = yaml.safe_load((project_root() / _SERVICES).read_text(encoding="utf-8"))
    return f"{site.bundle_server.address}:{services['site_registry_port']}"
