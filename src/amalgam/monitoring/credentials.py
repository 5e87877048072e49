"""What a person needs to look at a site's monitoring: address, authority, user and password, in one file."""

from __future__ import annotations

from typing import ClassVar

from amalgam.credentials_file import Login
from amalgam.errors import AmalgamError
from amalgam.models import Site
from amalgam.models.registry import ADMINISTRATOR
from amalgam.secrets import prepare_secrets
from amalgam.services import address


class Credentials(Login):
    """A user of a site's monitoring."""

    service: ClassVar[str] = "monitoring"
    variable: ClassVar[str] = "AMALGAM_MONITORING"
    remedy: ClassVar[str] = "ask the platform's administrator for one: amalgam monitoring credentials --user NAME"

    url: str
    """https://HOST:PORT."""


def of_user(site: Site, user: str, *, renew: bool = False) -> Credentials:
    """The credentials of ``user``, with a new password if ``renew``: it holds from the site's next run on.

    Raises:
        AmalgamError: the site has no monitoring, or the user no part in it.
    """
    if not site.monitoring_users:
        raise AmalgamError(
            "the site has no monitoring",
            where=f"{site.folder}/hosts.yml",
            remedy="put a host into the group management",
        )
    if user not in site.monitoring_users:
        raise AmalgamError(
            f"{user!r} is no member of any VC, and no administrator",
            where=str(site.folder),
            remedy=f"make the user one, or name one of: {', '.join(site.monitoring_users)}",
        )
    prepared = prepare_secrets(
        site.state_dir, site.settings.site_name, monitoring_users=site.monitoring_users, renew=user if renew else None
    )
    return Credentials(
        url=f"https://{address(site, 'monitoring')}",
        user=user,
        password=prepared.secrets.monitoring_passwords[user],
        ca_certificate=prepared.secrets.site_ca.certificate,
    )


def of_administrator(site: Site) -> Credentials:
    """Those of the site's own user, who sees everything.

    Raises:
        AmalgamError: the site has no monitoring, or its secrets cannot be read.
    """
    return of_user(site, ADMINISTRATOR)
