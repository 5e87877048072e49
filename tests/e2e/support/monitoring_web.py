"""The site's monitoring as the tests reach it: where it is, and who may sign in."""

from __future__ import annotations

from amalgam.models import Site
from amalgam.secrets import prepare_secrets
from amalgam.services import address


def url(site: Site) -> str:
    """Where people reach it, without a path."""
    return f"https://{address(site, 'monitoring')}"


def passwords(site: Site) -> dict[str, str]:
    """User → password, of those that the site has made."""
    made = prepare_secrets(site.state_dir, site.settings.site_name, write=False).secrets
    return dict(made.monitoring_passwords)
