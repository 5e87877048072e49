"""Building a bundle: each thing made or fetched once, put in place, listed and signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from amalgam.bundle.ahead import Ahead
from amalgam.bundle.alone import alone
from amalgam.bundle.assemble import assemble
from amalgam.bundle.clean import trim_go_cache
from amalgam.bundle.components import load_components
from amalgam.bundle.contents import Contents, Placed
from amalgam.bundle.debs import Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.host import host_arch
from amalgam.bundle.images import FORMAT, Images
from amalgam.bundle.lock import check_lock
from amalgam.bundle.manifest import verify_bundle
from amalgam.bundle.prerequisites import require_tools
from amalgam.bundle.programs import Programs
from amalgam.bundle.progress import Progress
from amalgam.bundle.signing import allowed_signers, signing_key
from amalgam.bundle.site_files import digest_of, site_files
from amalgam.bundle.store import Store
from amalgam.errors import AmalgamError
from amalgam.pins import Arch
from amalgam.work_log import note


def bundle_contents(root: Path, cache: Path, arches: Sequence[Arch], mirrors: Sequence[str] = ()) -> Contents:
    """What the bundle of a checkout holds.

    Raises:
        AmalgamError: the lock is not current.
    """
    lock = check_lock(root)
    components = load_components(root)
    store = Store(cache / "made")
    fetcher = Fetcher(cache / "downloads", mirrors)
    debs = Debs(cache, fetcher, lock, components.debian.release)
    programs = Programs(root, cache, store, fetcher, components, lock, host_arch(), debs.sysroot)
    images = Images(components, programs, debs, store)
    return Contents(root, arches, lock, components, store, fetcher, debs, programs, images)


@dataclass(frozen=True)
class Builder:
    """Builds the bundle of a checkout.

    Args:
        root: the checkout.
        cache: the user's cache; without an output of its own the bundle lies there.
        config: the user's settings, where the signing key lies.
        arches: architectures it is to serve.
        mirrors: folders or addresses laid out like a bundle, asked before upstream.
        console: told of every step.
        site: folder of files that the site brings itself, see :mod:`amalgam.bundle.site_files`; they go in as they are.
    """

    root: Path
    cache: Path
    config: Path
    arches: Sequence[Arch]
    mirrors: Sequence[str]
    console: Console
    site: Path | None = None

    def build(self, output: Path | None = None) -> Path:
        """Make the bundle, or find it made; its folder. What is at ``output`` is replaced.

        Raises:
            AmalgamError: a missing tool, an artifact that cannot be had or built, a checksum that differs.
        """
        contents = bundle_contents(self.root, self.cache, sorted(set(self.arches)), self.mirrors)
        brought = site_files(self.site) if self.site else []
        source = _created_from(contents, brought)
        name = "-".join([contents.lock.digest()[:12], *contents.arches, *([source["site"][:12]] if brought else [])])
        folder = (output or self.cache / "bundles" / name).absolute()
        key = signing_key(self.config)
        if not self._finds_current(folder, contents, source):
            with alone(self.cache, self.console):
                # Another process may have made it meanwhile.
                if not self._finds_current(folder, contents, source):
                    self._make(folder, contents, key, brought)
        return folder

    def _finds_current(self, folder: Path, contents: Contents, source: dict[str, str]) -> bool:
        try:
            manifest = verify_bundle(folder, allowed_signers(self.config), deep=False)
        except AmalgamError:
            return False
        found = (manifest.lock_digest, manifest.created_from, manifest.arches)
        if found != (contents.lock.digest(), source, list(contents.arches)):
            return False
        self.console.print(f"bundle is current: {len(manifest.artifacts)} files", highlight=False)
        return True

    def _make(self, folder: Path, contents: Contents, key: Path, brought: Sequence[Placed]) -> None:
        require_tools(contents.arches, host_arch())
        contents.store.sweep()
        steps = list(contents.steps())
        progress = Progress(self.console, len(steps) + 1)
        placed = {one.artifact.path: one for one in brought}
        with Ahead(contents.programs, [step.program for step in steps if step.program]) as ahead:
            for step in steps:
                with progress.step(step.name):
                    if step.program:
                        ahead.wait(*step.program)
                    placed |= {entry.artifact.path: entry for entry in step.run()}
        with progress.step("bundle put together, listed and signed"):
            assemble(
                folder,
                placed.values(),
                key,
                lock_digest=contents.lock.digest(),
                arches=list(contents.arches),
                created_from=_created_from(contents, brought),
            )
        trim_go_cache(self.cache)
        note(f"bundle of {len(placed)} files")


def _created_from(contents: Contents, brought: Sequence[Placed]) -> dict[str, str]:
    site = {"site": digest_of(brought)} if brought else {}
    return {**contents.lock.inputs, "format": str(FORMAT), **site}
