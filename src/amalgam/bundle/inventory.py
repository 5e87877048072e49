"""The one thing of a site's data that bundle verification asks for: who may sign."""

from __future__ import annotations

from pathlib import Path

import yaml

from amalgam.errors import AmalgamError

_KEY = "bundle_allowed_signers"


def allowed_signers_of(inventory: Path) -> Path:
    """The file that a site's ``bundle_allowed_signers`` names; ``{{ inventory_dir }}`` in it is filled in.

    Raises:
        AmalgamError: the site does not set it.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    for path in sorted((folder / "group_vars" / "all").glob("*.yml")):
        data = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        if isinstance(data, dict) and _KEY in data:
            return Path(str(data[_KEY]).replace("{{ inventory_dir }}", str(folder.absolute())))
    raise AmalgamError(
        f"the site does not set {_KEY}",
        where=str(folder / "group_vars" / "all"),
        remedy=f"set {_KEY} to the file that pins the site's signing key",
    )
