"""A lab of a test's own beside the checkout's: other nodes, other names on the machine, the same bundle."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from amalgam.bundle.signing import allowed_signers
from amalgam.lab import updown
from amalgam.lab.leftovers import leftovers
from amalgam.lab.names import Names
from amalgam.lab.progress import Progress
from amalgam.paths import config_dir
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.nodes import Lab

Groups = dict[str, dict[str, dict[str, Any]]]
"""Group -> host -> the host's variables."""

BUNDLE = ROOT / ".lab" / "bundle"
"""The bundle of the checkout's lab."""

FOLDER = ROOT / ".lab-own"
"""Where labs of tests lie: always the same place, so that a run that was killed is cleaned up by the next."""


def groups_of(inventory: str) -> Groups:
    """The hosts of an inventory of ours, by group."""
    children = yaml.safe_load((ROOT / "inventories" / inventory / "hosts.yml").read_text())["all"]["children"]
    every = children | children.pop("workers")["children"]
    return {
        name: {host: facts or {} for host, facts in group["hosts"].items()}
        for name, group in every.items()
        if name != "workers"
    }


def variables_of(inventory: str) -> dict[str, Any]:
    """What the inventory says otherwise than that of the GPU lab, to whose files it links for the rest."""
    files = (ROOT / "inventories" / inventory / "group_vars" / "all").glob("*.yml")
    own = [file for file in files if file.resolve().parents[2].name != "lab"]
    return {key: value for file in own for key, value in yaml.safe_load(file.read_text()).items() if key != "lab"}


def quiet() -> Progress:
    """Progress that nobody reads."""
    return Progress(Console(file=io.StringIO()))


def write_inventory(folder: Path, groups: Groups, variables: dict[str, Any] | None = None) -> None:
    """Write the inventory of a lab: the checkout's own lab settings, with other hosts and some other variables.

    Its paths are relative to the inventory, so that they name ``.lab`` two folders above it.
    """
    settings = folder / "group_vars" / "all"
    if not settings.exists():
        shutil.copytree(ROOT / "inventories" / "lab" / "group_vars", folder / "group_vars")
    if "storage" not in groups:
        # The tenants of the checkout's lab claim storage, and their training keeps its files there.
        for file in (*settings.glob("ceph*.yml"), settings / "tenants.yml", settings / "training.yml"):
            file.unlink(missing_ok=True)
    own = {"lab": {}, **(variables or {})}
    for file in settings.glob("*.yml"):
        kept = {key: value for key, value in yaml.safe_load(file.read_text()).items() if key not in own}
        if kept:
            file.write_text(yaml.safe_dump(kept))
        else:
            file.unlink()
    (settings / "own.yml").write_text(yaml.safe_dump(own))
    (folder / "hosts.yml").write_text(yaml.safe_dump(_hosts(groups)))


def _hosts(groups: Groups) -> dict[str, Any]:
    workers = {name: {"hosts": hosts} for name, hosts in groups.items() if name.endswith("_workers")}
    others = {name: {"hosts": hosts} for name, hosts in groups.items() if name not in workers}
    return {"all": {"children": {**others, "workers": {"children": workers}}}}


class OwnLab(Lab):
    """A lab made by a test."""

    @property
    def inventory(self) -> Path:
        """Folder of its inventory; there before the lab is up."""
        return self.names.root / "inventories" / "own"

    def up(self) -> None:
        """Bring its nodes up."""
        updown.up(self.names, self.inventory, quiet())

    def down(self) -> None:
        """Take it down, whatever state it is in."""
        updown.down(self.names, quiet())

    def recreate(self, *nodes: str) -> None:
        """Give nodes fresh disks."""
        updown.recreate(self.names, list(nodes), quiet())


@contextmanager
def own_lab(
    name: str, groups: Groups, variables: dict[str, Any] | None = None, *, bundle: Path = BUNDLE
) -> Iterator[OwnLab]:
    """A lab that is down yet, with its inventory written; at the end it is taken down, and nothing of it is left.

    Raises:
        AssertionError: something was left; it is named.
    """
    root = FOLDER / name
    lab = OwnLab(Names(root))
    _clear(lab)
    root.mkdir(parents=True)
    write_inventory(lab.inventory, groups, variables)
    _link_bundle(lab, bundle)
    try:
        yield lab
    finally:
        _clear(lab)
        left = leftovers(lab.names)
        assert left == [], f"the lab left something: {left}"


def _clear(lab: OwnLab) -> None:
    """Take away what there is of the lab, also where its folder has gone but its nodes have not."""
    root = lab.names.root
    root.mkdir(parents=True, exist_ok=True)
    lab.down()
    shutil.rmtree(root)
    if not any(FOLDER.iterdir()):
        FOLDER.rmdir()


def clear_all() -> None:
    """Take away the labs of tests that were killed."""
    for root in list(FOLDER.iterdir()) if FOLDER.exists() else []:
        _clear(OwnLab(Names(root)))


def _link_bundle(lab: Lab, bundle: Path) -> None:
    assert (bundle / "manifest.json").is_file(), f"{bundle} is no bundle: `make lab` makes one"
    lab.names.folder.mkdir(exist_ok=True)
    (lab.names.folder / "bundle").symlink_to(bundle.resolve())
    (lab.names.folder / "allowed_signers").symlink_to(allowed_signers(config_dir()))


if __name__ == "__main__":
    clear_all()
