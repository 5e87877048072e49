"""The controller's Python packages as wheels, for the machines that have no package index."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from amalgam.bundle.components import Wheels
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.toolchain import pip
from amalgam.errors import AmalgamError
from amalgam.pins import Arch, WheelPin

# https://peps.python.org/pep-0600/: a wheel for an older C library runs on a newer one; Debian 12 has 2.36.
_NEWEST_GLIBC_MINOR = 36
_MACHINES: dict[Arch, str] = {"amd64": "x86_64", "arm64": "aarch64"}


def solve_wheels(root: Path, wish: Wheels, arches: Iterable[Arch]) -> dict[str, WheelPin]:
    """File name -> pin of every wheel that the requirements file stands for.

    Raises:
        AmalgamError: pip finds no wheel for a requirement, or the file is not hash-locked.
    """
    pins: dict[str, WheelPin] = {}
    for arch in arches:
        with tempfile.TemporaryDirectory() as temporary:
            report = Path(temporary) / "report.json"
            pip(
                *("install", "--dry-run", "--ignore-installed", "--report", str(report), "--target", temporary),
                *_selection(root, wish, arch),
            )
            for item in json.loads(report.read_text())["install"]:
                file = unquote(item["download_info"]["url"].rsplit("/", 1)[-1])
                sha256 = item["download_info"]["archive_info"]["hashes"]["sha256"]
                known = pins[file].arches if file in pins else []
                pins[file] = WheelPin(version=item["metadata"]["version"], sha256=sha256, arches=[*known, arch])
    return dict(sorted(pins.items()))


def wheel_paths(
    root: Path, wish: Wheels, pins: Mapping[str, WheelPin], arches: Iterable[Arch], fetcher: Fetcher
) -> dict[str, Path]:
    """Wheel files by name, from cache or mirror, else from the package index by pip.

    Raises:
        AmalgamError: the index no longer has one, or it has another checksum.
    """
    found: dict[str, Path] = {}
    for arch in arches:
        wanted = {name: pin for name, pin in pins.items() if arch in pin.arches and name not in found}
        for name, pin in wanted.items():
            got = fetcher.fetch(name, pin.sha256, mirror_path=f"wheels/{name}")
            if got:
                found[name] = got[0]
        missing = {name: pin for name, pin in wanted.items() if name not in found}
        if missing:
            found |= _download(root, wish, missing, arch, fetcher)
    return found


def _download(
    root: Path, wish: Wheels, missing: Mapping[str, WheelPin], arch: Arch, fetcher: Fetcher
) -> dict[str, Path]:
    with tempfile.TemporaryDirectory() as temporary:
        pip("download", "--dest", temporary, *_selection(root, wish, arch))
        for name in missing:
            if not (Path(temporary) / name).is_file():
                raise AmalgamError(
                    f"pip did not deliver {name}", where=wish.requirements, remedy="run `amalgam lock update`"
                )
        return {name: fetcher.adopt(name, Path(temporary) / name, pin.sha256) for name, pin in missing.items()}


def platform_options(python: str, arch: Arch) -> Iterator[str]:
    """pip's options for the wheels that a Debian 12 machine of ``arch`` can use."""
    yield from ("--only-binary", ":all:", "--python-version", python)
    for minor in range(_NEWEST_GLIBC_MINOR, 4, -1):
        yield from ("--platform", f"manylinux_2_{minor}_{_MACHINES[arch]}")
    for old in ("manylinux2014", "manylinux2010", "manylinux1"):
        yield from ("--platform", f"{old}_{_MACHINES[arch]}")


def _selection(root: Path, wish: Wheels, arch: Arch) -> Iterator[str]:
    yield from ("--require-hashes", "--no-deps", "--requirement", str(root / wish.requirements))
    yield from platform_options(wish.python, arch)
