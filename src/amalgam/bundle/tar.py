"""Deterministic tar archives: the same content gives the same bytes, on any machine and for any architecture.

A writer of our own, since image builders record times, owners and the order of a folder, and want to run programs of
the image's architecture. Here entries are sorted, owned by root and dated 1970, and nothing is run.
"""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import io
import stat
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from amalgam.errors import AmalgamError

ZSTD_LEVEL = "-9"


@dataclass(frozen=True)
class Entry:
    """One thing in an archive. Exactly one of ``source``, ``data`` and ``link`` is set, or none for a folder."""

    path: str
    mode: int = 0o644
    source: Path | None = None
    data: bytes | None = None
    link: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.source is None and self.data is None and self.link is None


def program_entry(path: str, source: Path) -> Entry:
    """A program file."""
    return Entry(path, 0o755, source=source)


def folder(path: str, mode: int = 0o755) -> Entry:
    """A folder."""
    return Entry(path, mode)


def tree_entries(source: Path, target: str, exclude: Iterable[str] = ()) -> Iterator[Entry]:
    """The files of a folder, or one file, as entries under ``target``; executable stays executable.

    Args:
        source: folder or file.
        target: where it goes in the archive, without a leading slash.
        exclude: shell patterns of paths in the archive to leave out, with all below them.
    """
    patterns = list(exclude)
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if not path.is_dir())
    for path in files:
        relative = "" if path == source else path.relative_to(source).as_posix()
        place = f"{target}/{relative}".rstrip("/")
        if any(fnmatch.fnmatch(place, pattern) or place.startswith(f"{pattern}/") for pattern in patterns):
            continue
        if path.is_symlink():
            yield Entry(place, 0o777, link=str(path.readlink()))
        else:
            runs = bool(path.stat().st_mode & stat.S_IXUSR) or path.suffix == ".sh"
            yield Entry(place, 0o755 if runs else 0o644, source=path)


def write_tar(stream: IO[bytes], entries: Iterable[Entry]) -> None:
    """Write entries, sorted, each after the folders above it (made 0755 where not given).

    Raises:
        AmalgamError: two entries have one path.
    """
    by_path: dict[str, Entry] = {}
    for entry in entries:
        known = by_path.get(entry.path)
        if known and not (known.is_folder and entry.is_folder):
            raise AmalgamError(
                "two files for one path in an archive", where=entry.path, remedy="correct components.yml"
            )
        by_path[entry.path] = entry
    links = {path for path, entry in by_path.items() if entry.link is not None}
    for path in list(by_path):
        for parent in PurePosixPath(path).parents:
            name = parent.as_posix()
            if name != "." and name not in links:
                by_path.setdefault(name, folder(name))
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(by_path):
            _add(tar, by_path[path])


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mode = entry.mode
    if entry.is_folder:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    elif entry.link is not None:
        info.type = tarfile.SYMTYPE
        info.linkname = entry.link
        tar.addfile(info)
    elif entry.data is not None:
        info.size = len(entry.data)
        tar.addfile(info, io.BytesIO(entry.data))
    elif entry.source is not None:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as data:
            tar.addfile(info, data)


def write_tar_gz(path: Path, entries: Iterable[Entry]) -> None:
    """Write a gzip-compressed tar without a time or name in its header."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as stream:
        write_tar(stream, entries)  # type: ignore[arg-type]


class _Digesting(io.RawIOBase):
    """Passes bytes on, and takes their digest."""

    def __init__(self, target: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        self._target.write(data)
        return len(data)


@contextmanager
def _zstd(path: Path) -> Iterator[IO[bytes]]:
    """A pipe through zstd into ``path``. More threads give the same bytes."""
    with path.open("wb") as target:
        process = subprocess.Popen(
            ["zstd", "--quiet", ZSTD_LEVEL, "--threads=0", "--stdout"], stdin=subprocess.PIPE, stdout=target
        )
        if process.stdin is None:
            raise RuntimeError("no pipe to zstd")
        try:
            yield process.stdin
        finally:
            process.stdin.close()
            code = process.wait()
    if code:
        raise AmalgamError(
            "zstd failed", where=str(path), remedy="see that the disk has room, then run the build again"
        )


def write_layer(path: Path, entries: Iterable[Entry]) -> str:
    """Write an OCI layer, a zstd-compressed tar; the digest of the uncompressed tar (its diff id)."""
    with _zstd(path) as pipe:
        stream = _Digesting(pipe)
        write_tar(stream, entries)  # type: ignore[arg-type]
    return f"sha256:{stream.digest.hexdigest()}"


def merged_usr(entry: Entry) -> Entry:
    """The same entry on a root where /bin, /sbin, /lib and /lib64 are links into /usr, as Debian sets them up."""
    head, _, rest = entry.path.partition("/")
    if head in ("bin", "sbin", "lib", "lib64") and rest:
        return replace(entry, path=f"usr/{entry.path}")
    return entry
