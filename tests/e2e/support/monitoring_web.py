"""The site's monitoring as the tests reach it: its name, its port, and who may sign in."""

from __future__ import annotations

from amalgam.models import Site
from amalgam.secrets import prepare_secrets

PORT = 8445


def name(site: Site) -> str:
    """The name by which people reach it."""
    return f"monitoring.{site.settings.site_domain}"


def passwords(site: Site) -> dict[str, str]:
    """User → password, of those that the site has made."""
    made = prepare_secrets(site.state_dir, site.settings.site_name, write=False).secrets
    return dict(made.monitoring_passwords)
