"""What a person needs to use a site's registry: its address, its authority, a user and a password, in one file."""

from __future__ import annotations

import base64
import json
from typing import ClassVar, Literal

from amalgam.credentials_file import Login
from amalgam.errors import AmalgamError
from amalgam.harbor import client
from amalgam.models import Site
from amalgam.models.registry import ADMINISTRATOR
from amalgam.models.registry_members import pull_account
from amalgam.secrets import prepare_secrets
from amalgam.services import address


class Credentials(Login):
    """A user of a site's registry."""

    service: ClassVar[str] = "registry"
    variable: ClassVar[str] = "AMALGAM_REGISTRY"
    remedy: ClassVar[str] = "ask the platform's administrator for one: amalgam image credentials --user NAME"

    registry: str
    """HOST:PORT."""
    backend: Literal["distribution", "harbor"] = "distribution"
    """Which registry it is: where the two differ, one has to know."""

    def auth_file(self) -> str:
        """The same for tools of the field (containers-auth.json(5), Docker's ``config.json``)."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return json.dumps({"auths": {self.registry: {"auth": token}}})


def of_user(site: Site, user: str, *, renew: bool = False) -> Credentials:
    """The credentials of ``user``, with a new password if ``renew``: it holds from the site's next run on.

    Raises:
        AmalgamError: no project of the site has this member; or the site has Harbor, which keeps passwords itself.
    """
    if site.harbor is not None:
        raise AmalgamError(
            "Harbor keeps its users' passwords itself",
            where=f"{site.folder}/group_vars/all/registry.yml",
            remedy="log in at Harbor, or declare a robot account in harbor_robots and hand it out with --robot",
        )
    if user not in site.registry_users:
        raise AmalgamError(
            f"{user!r} is a member of no registry project",
            where=f"{site.folder}/group_vars/all/registry.yml",
            remedy=f"add a member, or name one of: {', '.join(site.registry_users) or '(none)'}",
        )
    prepared = prepare_secrets(
        site.state_dir, site.settings.site_name, registry_users=site.registry_users, renew=user if renew else None
    )
    return Credentials(
        registry=address(site, "registry"),
        user=user,
        password=prepared.secrets.registry_passwords[user],
        ca_certificate=prepared.secrets.site_ca.certificate,
    )


def of_robot(site: Site, robot: str) -> Credentials:
    """The credentials of ``robot`` (``PROJECT/NAME``), by which programs and people log in at a site's Harbor.

    Raises:
        AmalgamError: the site has no such robot account.
    """
    if robot not in site.harbor_robots:
        raise AmalgamError(
            f"{robot!r} is no robot account of the site",
            where=f"{site.folder}/group_vars/all/harbor.yml",
            remedy=f"add it to harbor_robots, or name one of: {', '.join(site.harbor_robots) or '(none)'}",
        )
    # As a run does, so that what it gives to Harbor is what is handed out here.
    name = site.settings.site_name
    secrets = prepare_secrets(site.state_dir, name, harbor_robots=site.harbor_robots).secrets
    project, _, short = robot.partition("/")
    return Credentials(
        registry=address(site, "registry"),
        # As Harbor names it, with the prefix that it has by default.
        user=f"robot${project}+{short}",
        password=secrets.harbor_robot_secrets[robot],
        ca_certificate=secrets.site_ca.certificate,
        backend="harbor",
    )


def of_vcs(site: Site, *, write: bool) -> dict[str, Credentials]:
    """VC -> those as which its pods' images are pulled, of the VCs that have projects; with Harbor none.

    Passwords that are missing are made, and kept where ``write`` says so; they hold from the site's next run on.

    Raises:
        AmalgamError: the secrets cannot be read.
    """
    accounts = {vc.name: pull_account(vc.name) for vc, _ in site.tenants.vcs() if vc.registry_projects}
    if site.harbor is not None or not accounts:
        return {}
    name, users = site.settings.site_name, site.registry_users
    secrets = prepare_secrets(site.state_dir, name, registry_users=users, write=write).secrets
    return {
        vc: Credentials(
            registry=address(site, "registry"),
            user=account,
            password=secrets.registry_passwords[account],
            ca_certificate=secrets.site_ca.certificate,
        )
        for vc, account in accounts.items()
    }


def of_administrator(site: Site) -> Credentials:
    """Those of the registry's own user, or of Harbor's, from the site's secrets.

    Raises:
        AmalgamError: the secrets cannot be read.
    """
    secrets = prepare_secrets(site.state_dir, site.settings.site_name).secrets
    own = (ADMINISTRATOR, secrets.registry_push_password)
    user, password = own if site.harbor is None else (client.ADMINISTRATOR, secrets.harbor_admin_password)
    return Credentials(
        registry=address(site, "registry"),
        user=user,
        password=password,
        ca_certificate=secrets.site_ca.certificate,
        backend="distribution" if site.harbor is None else "harbor",
    )
