"""Where a site's services answer: each by its name in the site's domain, at the port that the playbooks give it."""

from __future__ import annotations

from typing import Any, Literal

import yaml

from amalgam.models import Site
from amalgam.paths import project_root

Service = Literal["bundle", "monitoring", "objects", "registry"]


def address(site: Site, service: Service) -> str:
    """HOST:PORT of a service of the site."""
    return f"{service}.{site.settings.site_domain}:{_defaults()[f'site_{service}_port']}"


def _defaults() -> dict[str, Any]:
    file = project_root() / "playbooks" / "layers" / "group_vars" / "all.yml"
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content
