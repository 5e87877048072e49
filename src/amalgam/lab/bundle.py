"""The bundle a lab is made from: built where it has to be, and linked to where the lab's inventory looks for it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from amalgam.bundle.build import Builder
from amalgam.bundle.signing import allowed_signers
from amalgam.lab import cgroups
from amalgam.lab.names import Names
from amalgam.models import load_site
from amalgam.paths import cache_dir, config_dir


def link_bundle(names: Names, inventory: Path, console: Console) -> Path:
    """Build the bundle for the architectures of an inventory's hosts and link it, and who signed it, into ``.lab/``.

    Raises:
        AmalgamError: the inventory is refused, this machine can have no nodes, or the bundle cannot be built.
    """
    site = load_site(inventory)
    # Nodes need them; to say so after a build of half an hour would be late.
    cgroups.hierarchies()
    bundle = Builder(names.root, cache_dir(), config_dir(), site.architectures, [], console).build()
    names.folder.mkdir(exist_ok=True)
    _link(names.folder / "bundle", bundle)
    _link(names.folder / "allowed_signers", allowed_signers(config_dir()))
    return bundle


def _link(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.rename(link)
