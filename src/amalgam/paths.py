"""Where things lie on the controller: the checkout, and the caches and keys of the user."""

from __future__ import annotations

import os
from pathlib import Path

from amalgam.errors import AmalgamError


def project_root(start: Path | None = None) -> Path:
    """The checkout: the nearest folder upward of ``start`` (default: this package) with ``versions/components.yml``.

    Raises:
        AmalgamError: no such folder.
    """
    here = (start or Path(__file__)).resolve()
    for folder in (here, *here.parents):
        if (folder / "versions" / "components.yml").is_file():
            return folder
    raise AmalgamError(
        "no Amalgam checkout found",
        where=str(here),
        remedy="run inside a checkout, with the package installed from it (make venv)",
    )


def cache_dir() -> Path:
    """The user's cache for all that can be made again, shared by every checkout and keyed by content."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "amalgam"


def config_dir() -> Path:
    """The user's own settings and keys, among them the key that signs bundles."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "amalgam"
