"""The Debian part of lock and bundle: solving the wanted sets, fetching the packages, writing a flat repository.

Repository form: https://wiki.debian.org/DebianRepository/Format#Flat_Repository_Format
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from amalgam.bundle.apt import Apt, Stanza
from amalgam.bundle.components import Debian
from amalgam.bundle.debian_closure import needed, unsatisfied
from amalgam.bundle.tries import thrice
from amalgam.errors import AmalgamError
from amalgam.pins import Arch, DebPin

# What mmdebstrap's variant minbase takes beside the packages named: https://man.debian.org/mmdebstrap
_BASE = ("?essential", "?priority(required)")


def solve_sets(debian: Debian, apt: Apt, arch: Arch) -> dict[str, DebPin]:
    """Every package of every set, with what it depends on, from an empty system of ``arch``.

    Raises:
        AmalgamError: apt finds no solution, sets disagree on a version, or the node set is not closed.
    """
    pins: dict[str, DebPin] = {}
    for set_name, wish in debian.sets.items():
        wanted = wish.wanted(arch)
        solved = apt.solve([*(_BASE if wish.base else ()), *wanted])
        entries = {name: _pin(stanza, set_name) for name, stanza in apt.stanzas(solved).items()}
        kept = needed(entries, wanted, wish.exclude) if wish.exclude else set(entries)
        for name in sorted(kept):
            pins[name] = _merged(pins.get(name), entries[name], set_name)
        if wish.base:
            require_closed(entries, set_name)
    return dict(sorted(pins.items()))


def require_closed(packages: Mapping[str, DebPin], set_name: str) -> None:
    """Refuse a set that needs a package outside it.

    Raises:
        AmalgamError: names the first few dependencies that nothing in the set answers.
    """
    missing = unsatisfied(packages)
    if missing:
        raise AmalgamError(
            f"the Debian set {set_name!r} is not closed: {'; '.join(missing[:5])}",
            where="versions/lock.yml",
            remedy="name the missing packages in versions/components.yml and run `amalgam lock update`",
        )


def _pin(stanza: Stanza, set_name: str) -> DebPin:
    depends = ", ".join(stanza[key] for key in ("Pre-Depends", "Depends") if key in stanza)
    return DebPin(
        version=stanza["Version"],
        sha256=stanza["SHA256"],
        size=int(stanza["Size"]),
        file=Path(unquote(stanza["Filename"])).name,
        sets=[set_name],
        depends=depends,
        provides=stanza.get("Provides", ""),
    )


def _merged(known: DebPin | None, new: DebPin, set_name: str) -> DebPin:
    if known is None:
        return new
    if known.sha256 != new.sha256:
        raise AmalgamError(
            f"sets disagree on a Debian package: {known.file} and {new.file}",
            where=f"versions/components.yml: debian.sets.{set_name}",
            remedy="run `amalgam lock update` again once the archive has settled",
        )
    return known.model_copy(update={"sets": [*known.sets, set_name]})


def fetch(apt: Apt, packages: Mapping[str, DebPin], into: Path) -> None:
    """Download ``packages`` in their locked versions by apt into ``into``; the caller checks the digests.

    Raises:
        AmalgamError: the archive no longer holds one of the versions.
    """
    into.mkdir(parents=True, exist_ok=True)
    names = [f"{name}={pin.version}" for name, pin in sorted(packages.items())]
    remedy = "where a version was not found, the archive has a newer one: run `make lock`; else see `apt-get update`"
    thrice(lambda: apt.run("apt-get", "download", "--quiet=2", *names, cwd=into, remedy=remedy))
    for name, pin in packages.items():
        # apt writes the epoch's colon into the file name, escaped; the archive leaves the epoch out.
        for path in into.glob(f"{name}_*.deb"):
            if path.name != pin.file and _without_epoch(unquote(path.name)) == pin.file:
                path.rename(into / pin.file)


def _without_epoch(file_name: str) -> str:
    name, version, rest = file_name.split("_", 2)
    return f"{name}_{version.rpartition(':')[2]}_{rest}"


def control_stanza(deb: Path) -> str:
    """The control data of a package file.

    Raises:
        subprocess.CalledProcessError: not a Debian package.
    """
    return subprocess.run(["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True).stdout


def write_indexes(folder: Path, packages: Iterable[tuple[DebPin, str]], release: str, arch: str) -> list[Path]:
    """Write Packages, Packages.gz and Release for a flat repository; the same packages give the same bytes.

    Args:
        folder: holds the package files.
        packages: each locked package with its control data.
        release: Debian code name the packages belong to.
        arch: Debian architecture.
    """
    stanzas = [
        f"{control.rstrip()}\nFilename: ./{pin.file}\nSize: {pin.size}\nSHA256: {pin.sha256}\n"
        for pin, control in sorted(packages, key=lambda entry: entry[0].file)
    ]
    text = "\n".join(stanzas).encode()
    contents = {"Packages": text, "Packages.gz": gzip.compress(text, compresslevel=9, mtime=0)}
    sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in contents.items())
    contents["Release"] = (
        f"Origin: Amalgam\nLabel: Amalgam\nSuite: {release}\nCodename: {release}\n"
        f"Architectures: all {arch}\nDescription: The Debian packages of an Amalgam bundle\nSHA256:\n{sums}"
    ).encode()
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in contents]
