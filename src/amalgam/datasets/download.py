"""A version becomes a folder again: every file checked, none overwritten, and what was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.catalog import Catalog, Published
from amalgam.datasets.failures import GoneError
from amalgam.datasets.layout import blob_key
from amalgam.datasets.manifest import PARTIAL, DatasetFile
from amalgam.datasets.progress import Progress, Quiet
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Downloaded:
    """What came of a download."""

    published: Published
    fetched: int
    """Files that were not there before."""
    received_bytes: int
    """What the store sent for them: less than they have where an earlier download was cut off."""


def download(
    bucket: Bucket, name: str, folder: Path, *, number: int | None = None, progress: Progress | None = None
) -> Downloaded:
    """Put the files of a version (by default the newest) into ``folder``, which is made where it is not there.

    Files that are there and equal are kept, so a download that was cut off goes on when it is started again. Other
    files in the folder are left alone.

    Raises:
        AmalgamError: before anything is written: a file would have to be overwritten, lies across a link, or there
            is no room. At the end: files whose content is damaged in the store, by name; all others are in place.
    """
    watch = progress or Quiet()
    published = Catalog(bucket).version(name, number)
    wanted = _lacking(published.manifest.files, folder, watch)
    partial = folder / PARTIAL
    _make_folder(folder)
    _require_room(folder, sum(file.size for file in wanted) - _size_of(partial))
    watch.phase("receiving", sum(file.size for file in wanted))

    def fetch(file: DatasetFile) -> tuple[int, str]:
        try:
            return _fetch(bucket, file, partial, folder, watch), ""
        except _DamagedContentError as error:
            return 0, f"{file.path} ({error})"

    if wanted:
        _make_folder(partial)
    fetched = each(fetch, wanted)
    _refuse_damaged([damaged for _, damaged in fetched if damaged], published)
    if partial.is_dir():
        shutil.rmtree(partial)
    return Downloaded(published, len(wanted), sum(received for received, _ in fetched))


def verify(bucket: Bucket, name: str, *, number: int | None = None, progress: Progress | None = None) -> Published:
    """Read every file of a version (by default the newest) in the store, and compare it with its checksum.

    Raises:
        AmalgamError: files are damaged or gone; it names them.
    """
    watch = progress or Quiet()
    published = Catalog(bucket).version(name, number)
    watch.phase("verifying", published.manifest.total_bytes)

    def check(file: DatasetFile) -> str:
        try:
            _receive(bucket, file, 0, hashlib.sha256(), lambda _: None, watch)
        except _DamagedContentError as error:
            return f"{file.path} ({error})"
        return ""

    _refuse_damaged([path for path in each(check, published.manifest.files) if path], published)
    return published


class _DamagedContentError(Exception):
    """The store does not hold what the manifest says."""


def _refuse_damaged(damaged: list[str], published: Published) -> None:
    if damaged:
        manifest = published.manifest
        raise AmalgamError(
            f"damaged in the store: {', '.join(damaged)}; all other files are good",
            where=f"{manifest.dataset}, version {manifest.version}",
            remedy="upload the files again as a new version, and use that",
        )


def _lacking(files: tuple[DatasetFile, ...], folder: Path, progress: Progress) -> list[DatasetFile]:
    """The files that are not in the folder yet; every obstacle is found before anything is written."""
    there = [file for file in files if _is_there(file, folder)]
    progress.phase("comparing", sum(file.size for file in there))
    equal = each(lambda file: _sha256(folder / file.path, file.size, progress) == file.sha256, there)
    other = [file.path for file, same in zip(there, equal, strict=True) if not same]
    if other:
        named = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if len(other) > 5 else "")
        raise AmalgamError(
            f"other files of these names are there, and none is overwritten: {named}",
            where=str(folder),
            remedy="name another folder, or move them away",
        )
    kept = {file.path for file in there}
    return [file for file in files if file.path not in kept]


def _is_there(file: DatasetFile, folder: Path) -> bool:
    """Whether a plain file lies where this one belongs.

    Raises:
        AmalgamError: something else does, or a link lies on the way: it might lead anywhere.
    """
    place = folder
    parts = file.path.split("/")
    for depth, part in enumerate(parts, start=1):
        place = place / part
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _local(place, error) from None
        good = stat.S_ISREG(mode) if depth == len(parts) else stat.S_ISDIR(mode)
        if not good:
            kind = "a link" if stat.S_ISLNK(mode) else "something else"
            remedy = "name another folder, or move it away"
            raise AmalgamError(f"{kind} is where the dataset's {file.path} belongs", where=str(place), remedy=remedy)
    return True


def _sha256(path: Path, size: int, progress: Progress) -> str:
    try:
        if path.stat().st_size != size:
            return ""
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                progress.advance(len(chunk))
    except OSError as error:
        raise _local(path, error) from None
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _local(folder, error) from None


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise AmalgamError(
            f"{needed / 1e9:.1f} GB are to come, and {free / 1e9:.1f} GB are free",
            where=str(folder),
            remedy="free some space, or name another folder; nothing was written",
        )


def _size_of(partial: Path) -> int:
    return sum(file.stat().st_size for file in partial.iterdir()) if partial.is_dir() else 0


def _fetch(bucket: Bucket, file: DatasetFile, partial: Path, folder: Path, progress: Progress) -> int:
    """Get one file, beside its place first; it appears there whole. Says how many bytes were received for it."""
    # Two files with the same content arrive one beside the other.
    beside = partial / f"{file.sha256}-{hashlib.sha256(file.path.encode()).hexdigest()[:16]}"
    place = folder / file.path
    received = 0
    try:
        with beside.open("a+b") as stream:

            def keep(chunk: bytes) -> None:
                nonlocal received
                received += stream.write(chunk)

            begun, digest = _begun(stream, file.size)
            progress.advance(begun)
            try:
                _receive(bucket, file, begun, digest, keep, progress)
            except _DamagedContentError:
                if not begun:
                    raise
                # What an earlier attempt left may be at fault.
                stream.truncate(0)
                _receive(bucket, file, 0, hashlib.sha256(), keep, progress)
            stream.flush()
            os.fsync(stream.fileno())
        place.parent.mkdir(parents=True, exist_ok=True)
        # Unlike a renaming, a link replaces nothing that appeared meanwhile.
        os.link(beside, place)
        beside.unlink()
    except _DamagedContentError:
        beside.unlink()
        raise
    except OSError as error:
        raise _local(place, error) from None
    return received


def _begun(stream: BinaryIO, size: int) -> tuple[int, hashlib._Hash]:
    """How many bytes an earlier attempt left, and their digest so far."""
    digest, begun = hashlib.sha256(), 0
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        begun += len(chunk)
    if begun > size:
        stream.truncate(0)
        return 0, hashlib.sha256()
    return begun, digest


def _receive(
    bucket: Bucket,
    file: DatasetFile,
    begun: int,
    digest: hashlib._Hash,
    write: Callable[[bytes], object],
    progress: Progress,
) -> None:
    try:
        if begun < file.size or not file.size:
            for chunk in bucket.stream(blob_key(file.sha256), file.object_version, begun):
                digest.update(chunk)
                write(chunk)
                progress.advance(len(chunk))
    except GoneError:
        raise _DamagedContentError("it is gone") from None
    if digest.hexdigest() != file.sha256:
        raise _DamagedContentError("its content is another one than was published")


def _local(path: Path, error: OSError) -> AmalgamError:
    remedy = "mend that, and run the same again: what has arrived is kept"
    return AmalgamError(f"cannot be written or read: {error.strerror}", where=str(path), remedy=remedy)
