"""Images with Debian's Python, made of packages that the lock has anyway: what training jobs of the tests run in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from amalgam.bundle.components import load_components
from amalgam.bundle.debian_closure import needed
from amalgam.bundle.debs import Debs
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.oci import Blobs, Layer, RunConfig, add_image, add_index, layout_files
from amalgam.bundle.store import file_sha256
from amalgam.bundle.tar import Entry, folder, tree_entries, write_layer
from amalgam.paths import cache_dir
from amalgam.pins import load_lock
from tests.e2e.support.checkout import ROOT

_SET = "python-image"
_PACKAGES = ("python3", "dash", "coreutils", "libc-bin", "libgcc-s1", "libstdc++6")
_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\ntrainer:x:1000:1000::/tmp:/bin/sh\n",
    "etc/group": b"root:x:0:\ntrainer:x:1000:\n",
    "etc/nsswitch.conf": b"passwd: files\nhosts: files dns\n",
}
# What is one of several alternatives: maintainer scripts, which do not run here, would link it.
# https://wiki.debian.org/DebianScience/LinearAlgebraLibraries
_ALTERNATIVE = re.compile(r"(usr/lib/[^/]+)/((blas|lapack)/(lib\3\.so\.3))")
PACKAGES = "usr/local/lib/python3.11/dist-packages"
"""Where Debian's Python looks for what is not Debian's."""


def write_python_image(
    layout: Path, scratch: Path, trees: dict[str, Path], arch: str, debian: tuple[str, ...] = ()
) -> str:
    """Write an image for one architecture: Python, and ``trees`` (path in the image -> file or folder).

    Args:
        layout: the folder to write it into.
        scratch: a folder for what is unpacked meanwhile.
        trees: what it has beside Python.
        arch: the architecture.
        debian: names of more packages of the lock.

    Returns:
        The digest of its manifest, by which a node of another architecture can be told to take it.
    """
    layers = [
        _layer(scratch, "python", _python(scratch, arch, debian)),
        _layer(scratch, "own", (entry for target, source in trees.items() for entry in tree_entries(source, target))),
    ]
    blobs = Blobs()
    run = RunConfig(entrypoint=[], command=["python3"], user="1000:1000", workdir="/tmp", labels={})
    manifest = add_image(blobs, arch, layers, run)
    index = add_index(blobs, [manifest], "training:test")
    folder_of_blobs = layout / "blobs" / "sha256"
    folder_of_blobs.mkdir(parents=True)
    for layer in layers:
        layer.path.rename(folder_of_blobs / layer.sha256)
    for digest, data in blobs.data.items():
        (folder_of_blobs / digest).write_bytes(data)
    for name, data in layout_files([index]).items():
        (layout / name).write_bytes(data)
    return str(manifest["digest"])


def _layer(scratch: Path, name: str, entries: Iterable[Entry]) -> Layer:
    path = scratch / f"{name}.tar.zst"
    diff_id = write_layer(path, entries)
    return Layer(path, file_sha256(path), path.stat().st_size, diff_id, name)


def _python(scratch: Path, arch: str, debian: tuple[str, ...]) -> list[Entry]:
    lock = load_lock()
    pins = lock.debian[arch]
    names = needed(pins, (*_PACKAGES, *debian), ["debconf"])
    chosen = {name: pins[name].model_copy(update={"sets": [_SET]}) for name in names}
    only = lock.model_copy(update={"debian": {arch: chosen}})
    unpacked = scratch / "debian"
    unpacked.mkdir()
    debs = Debs(cache_dir(), Fetcher(cache_dir() / "downloads"), only, load_components(ROOT).debian.release)
    entries = {entry.path: entry for entry in debs.unpack(arch, _SET, unpacked)}
    for found in [match for path in entries if (match := _ALTERNATIVE.fullmatch(path))]:
        link = f"{found[1]}/{found[4]}"
        entries[link] = Entry(link, 0o777, link=found[2])
    entries |= {path: Entry(path, data=data) for path, data in _FILES.items()}
    entries |= {"tmp": folder("tmp", 0o1777), "usr/bin/sh": Entry("usr/bin/sh", 0o777, link="dash")}
    return list(entries.values())
