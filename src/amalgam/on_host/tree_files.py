"""Files under a root on the host: safe paths, and replacement in one step."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, TypeGuard

from amalgam.on_host.program import HostError

_CHUNK_BYTES = 1 << 20


class Ownership(NamedTuple):
    """Owner of what is written. ``uid`` or ``gid`` is -1 when the account does not exist (yet)."""

    uid: int
    gid: int

    @classmethod
    def of(cls, owner: str, group: str, *, must_exist: bool) -> Ownership:
        """Look the accounts up by name or number.

        Raises:
            HostError: an account does not exist and ``must_exist``.
        """
        uid = _account(owner, lambda name: pwd.getpwnam(name).pw_uid)
        gid = _account(group, lambda name: grp.getgrnam(name).gr_gid)
        for kind, name, number in (("user", owner, uid), ("group", group, gid)):
            if number < 0 and must_exist:
                raise HostError(
                    f"{kind} {name!r} does not exist on this host; create it, or install its package, first"
                )
        return cls(uid, gid)

    @classmethod
    def of_this_process(cls) -> Ownership:
        """Whoever runs the program: root, on a host."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def found(cls, found: os.stat_result) -> Ownership:
        """Whoever owns what was found."""
        return cls(found.st_uid, found.st_gid)

    @property
    def known(self) -> bool:
        """Whether both accounts exist."""
        return self.uid >= 0 and self.gid >= 0

    def agrees(self, found: os.stat_result) -> bool:
        """Whether ``found`` already has this owner and group."""
        return Ownership.found(found) == self


def _account(name: str, lookup: Callable[[str], int]) -> int:
    if name.isdigit():
        return int(name)
    try:
        return lookup(name)
    except KeyError:
        return -1


def resolve(root: Path, path: str) -> Path:
    """Where ``path`` lies under ``root``, its parents' symlinks followed; parts may still be missing.

    Raises:
        HostError: ``path`` climbs, a parent is no folder, or a symlinked parent leads out of ``root``.
    """
    parts = [part for part in path.split("/") if part]
    if path.startswith("/") or ".." in parts or not parts:
        raise HostError(f"{path!r} is not a path inside {root}")
    real_root = root.resolve()
    parent = real_root
    for part in parts[:-1]:
        parent = (parent / part).resolve()
        if not parent.is_relative_to(real_root):
            raise HostError(f"{path!r} would leave {root}: a parent is a symlink to {parent}; remove it or change dest")
        if os.path.lexists(parent) and not parent.is_dir():
            raise HostError(f"{parent} is not a folder, so {path!r} cannot be written; move it away")
    return parent / parts[-1]


def lstat(path: Path) -> os.stat_result | None:
    """``Path.lstat``, or None where nothing is."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_regular(found: os.stat_result | None) -> TypeGuard[os.stat_result]:
    """Whether something is there and is a regular file (no symlink)."""
    return found is not None and stat.S_ISREG(found.st_mode)


def refuse_folder(path: Path) -> None:
    """Refuse to put a file where a folder is.

    Raises:
        HostError: with the folder's path.
    """
    if path.is_dir() and not path.is_symlink():
        raise HostError(f"{path} is a folder where a file belongs; move it away")


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex, read in bounded memory."""
    import hashlib  # OpenSSL: a run without changes seldom needs it

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """A binary stream in pieces of bounded size."""
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def set_owner_and_mode(path: Path, mode: int, owner: Ownership) -> None:
    """Owner first: changing it clears set-uid bits."""
    os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    path.chmod(mode)


def staging_path(path: Path) -> Path:
    """Where a file's new bytes wait for the rename: beside it and hidden.

    The name is the same every time, so a killed run leaves at most one per file, and the next run finds it.
    """
    return path.with_name(f".{path.name}.amalgam-new")


def stage(path: Path, chunks: Iterable[bytes], mode: int, owner: Ownership) -> str:
    """Write the new bytes of ``path`` to its staging path, complete and on disk. Returns their sha256."""
    import hashlib  # as above

    staged = staging_path(path)
    staged.unlink(missing_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for chunk in chunks:
                digest.update(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        set_owner_and_mode(staged, mode, owner)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def stage_part(path: Path, part: bytes, offset: int) -> None:
    """Write a part of the new bytes of ``path`` to its staging path; the parts come in order."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (0 if offset else os.O_TRUNC)
    with os.fdopen(os.open(staging_path(path), flags, 0o600), "wb") as stream:
        stream.seek(offset)
        stream.write(part)
        os.fsync(stream.fileno())


def put_in_place(path: Path) -> None:
    """Rename what was staged for ``path``: readers see the old bytes or the new ones."""
    staging_path(path).rename(path)


def replace(path: Path, content: bytes, mode: int, owner: Ownership) -> None:
    """Stage and put in place."""
    refuse_folder(path)
    stage(path, [content], mode, owner)
    put_in_place(path)


def replace_link(path: Path, to: str) -> None:
    """Make ``path`` a symbolic link to ``to``, in one step."""
    refuse_folder(path)
    staged = staging_path(path)
    staged.unlink(missing_ok=True)
    staged.symlink_to(to)
    put_in_place(path)


def write_record(path: Path, text: str) -> None:
    """Write a small file of our own state, for root only, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, text.encode(), 0o600, Ownership.of_this_process())
