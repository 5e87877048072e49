"""Locked Debian packages on this machine: fetched, unpacked, turned into layers. No maintainer script is run."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amalgam.bundle.apt import Apt, private_apt
from amalgam.bundle.debian import fetch
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.in_place import put_in_place
from amalgam.bundle.store import key_of
from amalgam.bundle.tar import Entry, folder, merged_usr
from amalgam.errors import AmalgamError
from amalgam.pins import Arch, DebPin, Lock

# The authorities that programs in images trust; in the lowest layer of each image.
CERTIFICATE_SET = "certificates"
# Licences stay; the rest of the documentation is of no use in a container.
_DROPPED = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "usr/share/lintian/*")
_KEPT = ("usr/share/doc/*/copyright",)
# Packages that one call of apt downloads: what an interruption loses at most.
_AT_ONCE = 50
_MERGED_LINKS = ("bin", "sbin", "lib", "lib64")
_CERTIFICATES = "usr/share/ca-certificates/mozilla/"


@dataclass(frozen=True)
class Debs:
    """The lock's Debian packages."""

    cache: Path
    fetcher: Fetcher
    lock: Lock
    release: str

    def of_set(self, arch: Arch, set_name: str) -> dict[str, DebPin]:
        """The packages of one set."""
        return {name: pin for name, pin in self.lock.debian[arch].items() if set_name in pin.sets}

    def paths(self, arch: Arch, packages: dict[str, DebPin]) -> dict[str, Path]:
        """Package files by name; those that no cache or mirror has are downloaded by apt.

        Raises:
            AmalgamError: apt cannot get one, or it has another checksum than the lock says.
        """
        found: dict[str, Path] = {}
        for name, pin in packages.items():
            got = self.fetcher.fetch(pin.file, pin.sha256, mirror_path=f"debian/{arch}/{pin.file}")
            if got:
                found[name] = got[0]
        missing = [(name, pin) for name, pin in packages.items() if name not in found]
        if missing:
            apt = private_apt(self.cache / "apt" / arch, arch, self.release)
            for start in range(0, len(missing), _AT_ONCE):
                found |= self._download(apt, arch, dict(missing[start : start + _AT_ONCE]))
        return found

    def _download(self, apt: Apt, arch: Arch, packages: dict[str, DebPin]) -> dict[str, Path]:
        with tempfile.TemporaryDirectory() as temporary:
            fetch(apt, packages, Path(temporary))
            for pin in packages.values():
                if not (Path(temporary) / pin.file).is_file():
                    raise AmalgamError(
                        f"apt did not deliver {pin.file}", where=f"debian/{arch}", remedy="run `amalgam lock update`"
                    )
            return {
                name: self.fetcher.adopt(pin.file, Path(temporary) / pin.file, pin.sha256)
                for name, pin in packages.items()
            }

    def sysroot(self, arch: Arch, packages: list[str]) -> Path:
        """A folder with the files of ``packages``, for the linker."""
        pins = {name: self.lock.debian[arch][name] for name in packages}
        target = self.cache / "sysroot" / key_of({name: pin.sha256 for name, pin in pins.items()})[:16]
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unpacking-"))
        try:
            for path in self.paths(arch, pins).values():
                subprocess.run(["dpkg-deb", "--extract", path, work], check=True)
            put_in_place(work, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return target

    def unpack(self, arch: Arch, set_name: str, into: Path) -> list[Entry]:
        """Entries of a merged-/usr root with the packages of a set; file contents lie under ``into``.

        Raises:
            AmalgamError: see :meth:`paths`.
        """
        entries: dict[str, Entry] = {}
        contents = 0
        for path in self.paths(arch, self.of_set(arch, set_name)).values():
            for member, data in _members(path):
                entry = _entry(member, into / str(contents))
                if entry is None:
                    continue
                if data is not None and entry.source is not None:
                    entry.source.write_bytes(data)
                    contents += 1
                entries[entry.path] = entry
        for name in _MERGED_LINKS:
            if any(path.startswith(f"usr/{name}/") for path in entries):
                entries[name] = Entry(name, 0o777, link=f"usr/{name}")
        return list(entries.values())

    def certificates(self, arch: Arch) -> bytes:
        """All certificate authorities that Debian trusts, as one PEM file."""
        package = self.paths(arch, self.of_set(arch, CERTIFICATE_SET))["ca-certificates"]
        found = {m.name: data for m, data in _members(package) if data and _CERTIFICATES in m.name}
        return b"".join(data for _, data in sorted(found.items()))


def _members(deb: Path) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """Members of a package's file archive, with the content of files; a hard link brings the content it shares."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        seen: dict[str, bytes] = {}
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                if member.islnk():
                    yield member, seen[member.linkname]
                elif member.isfile():
                    stream = tar.extractfile(member)
                    seen[member.name] = stream.read() if stream else b""
                    yield member, seen[member.name]
                else:
                    yield member, None
    if process.returncode:
        raise AmalgamError("dpkg-deb cannot read the package", where=str(deb), remedy="remove that file from the cache")


def _entry(member: tarfile.TarInfo, content: Path) -> Entry | None:
    path = member.name.removeprefix("./").strip("/")
    merged = merged_usr(Entry(path)).path
    dropped = any(fnmatch.fnmatch(merged, pattern) for pattern in _DROPPED)
    if not path or path in _MERGED_LINKS or (dropped and not any(fnmatch.fnmatch(merged, keep) for keep in _KEPT)):
        return None
    if member.isdir():
        return folder(merged, member.mode)
    if member.issym():
        return Entry(merged, 0o777, link=member.linkname)
    return Entry(merged, member.mode, source=content)
