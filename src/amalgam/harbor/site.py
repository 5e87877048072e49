"""Harbor of one site: where it is, who it is told by, and what it is to have."""

from __future__ import annotations

from amalgam.errors import AmalgamError
from amalgam.harbor.client import HarborClient
from amalgam.harbor.reconcile import Reconciler, with_platform
from amalgam.harbor.resource import HarborSecrets
from amalgam.models import Site
from amalgam.secrets import SiteSecrets, prepare_secrets
from amalgam.services import address as address_of


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
    name = site.settings.site_name
    prepared = prepare_secrets(site.state_dir, name, harbor_robots=site.harbor_robots, write=write)
    secrets = prepared.secrets
    client = HarborClient(address or _address(site), secrets.site_ca.certificate, secrets.harbor_admin_password)
    return client, Reconciler(client, with_platform(site.harbor), secrets_for_harbor(secrets))


def _address(site: Site) -> str:
    """By the host's address, which its certificate has too: the site's names are known to its nodes alone."""
    return f"{site.bundle_server.address}:{address_of(site, 'registry').rpartition(':')[2]}"
