"""Files of this machine on their way into a dataset: found, read once for their checksums, and watched for changes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amalgam.datasets.manifest import path_problem
from amalgam.datasets.parts import Part, etag, part_lengths, parts_of
from amalgam.datasets.progress import Progress
from amalgam.datasets.workers import each
from amalgam.errors import AmalgamError

_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}


@dataclass(frozen=True)
class Found:
    """A file as it was when it was found."""

    path: str
    """In the dataset."""
    file: Path
    size: int
    modified_ns: int


@dataclass(frozen=True)
class LocalFile(Found):
    """A file that was read."""

    sha256: str
    md5s: tuple[bytes, ...]
    """MD5 of each part."""

    @property
    def etag(self) -> str:
        """What the store will call this content."""
        return etag(self.md5s)

    @property
    def parts(self) -> list[Part]:
        """The parts it goes in."""
        return parts_of(self.size, self.md5s)


def read_tree(source: Path, progress: Progress) -> list[LocalFile]:
    """The files below the folder ``source``, or the one file it is, by path; each is read to its end.

    Raises:
        AmalgamError: something there is no file, cannot be read, has no path a dataset could have, or changed.
    """
    found = sorted(_find(source), key=lambda one: one.path)
    if not found:
        raise AmalgamError("there is no file in this folder", where=str(source), remedy="name the folder of the files")
    progress.phase("reading", sum(one.size for one in found))
    return each(lambda one: _read(one, progress), found)


def require_unchanged(file: Found) -> None:
    """Go on only if the file looks as it did when it was found.

    Raises:
        AmalgamError: it does not.
    """
    try:
        facts = file.file.lstat()
    except OSError:
        raise changed(file) from None
    if not stat.S_ISREG(facts.st_mode) or (facts.st_size, facts.st_mtime_ns) != (file.size, file.modified_ns):
        raise changed(file)


def changed(file: Found) -> AmalgamError:
    """The error for a file that is not what it was when its checksum was made."""
    return AmalgamError(
        "the file changed while it was uploaded; nothing was published",
        where=str(file.file),
        remedy="let whoever writes it finish, then run the same again",
    )


def _find(source: Path) -> Iterator[Found]:
    try:
        # A link that a person names is meant; one inside a folder may lead anywhere.
        top = source.resolve(strict=True)
    except OSError as error:
        raise _unreadable(source, error) from None
    if not top.is_dir():
        yield _file(top, source.name or top.name)
        return
    yield from _below(top, "")


def _below(folder: Path, prefix: str) -> Iterator[Found]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise _unreadable(folder, error) from None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield _file(Path(entry.path), f"{prefix}{entry.name}")


def _file(file: Path, path: str) -> Found:
    try:
        facts = file.lstat()
    except OSError as error:
        raise _unreadable(file, error) from None
    if not stat.S_ISREG(facts.st_mode):
        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), "no file")
        remedy = "put the file itself there, or take it out of the folder"
        raise AmalgamError(f"{kind}, and a dataset has files only", where=_printable(file), remedy=remedy)
    if problem := path_problem(path):
        raise AmalgamError(f"its path {problem}", where=_printable(file), remedy="rename it")
    return Found(path, file, facts.st_size, facts.st_mtime_ns)


def _read(found: Found, progress: Progress) -> LocalFile:
    whole, md5s = hashlib.sha256(), []
    try:
        with found.file.open("rb") as stream:
            for length in part_lengths(found.size):
                part = hashlib.md5(usedforsecurity=False)
                while length and (chunk := stream.read(min(_CHUNK, length))):
                    length -= len(chunk)
                    whole.update(chunk)
                    part.update(chunk)
                    progress.advance(len(chunk))
                md5s.append(part.digest())
    except OSError as error:
        raise _unreadable(found.file, error) from None
    require_unchanged(found)
    return LocalFile(found.path, found.file, found.size, found.modified_ns, whole.hexdigest(), tuple(md5s))


def _unreadable(file: Path, error: OSError) -> AmalgamError:
    remedy = "let this user read it, or take it out of the folder"
    return AmalgamError(f"cannot be read: {error.strerror}", where=_printable(file), remedy=remedy)


def _printable(file: Path) -> str:
    text = str(file)
    return text if text.isprintable() else ascii(text)
