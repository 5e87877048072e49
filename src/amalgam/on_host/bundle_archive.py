"""Unpack one archive of the bundle by checksum, and remember what was put where."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from amalgam.on_host import change_notices, tree_files
from amalgam.on_host.program import HostError, Request

if TYPE_CHECKING:
    import tarfile

RECORDS = Path("var/lib/amalgam/archives")


def run(request: Request) -> dict[str, Any]:
    """Make the files of the archive at ``url`` be below ``dest``; ``rules`` are the handlers' globs, compiled.

    Raises:
        HostError: an argument that cannot be meant, or an archive that cannot be had or is not what was wanted.
    """
    return _Archive(request).run()


class _Staged(NamedTuple):
    """A file of the archive, waiting beside its target."""

    target: Path
    size: int
    mode: int
    sha256: str


class _Archive:
    """One named archive on this host: its record, and what has to happen to agree with it."""

    def __init__(self, request: Request) -> None:
        params = request.params
        self._check = request.check_mode
        self._name: str = params["name"]
        self._url: str = params["url"]
        self._sha256: str = params["sha256"].lower()
        self._ca_path = Path(params["ca_path"])
        self._dest = Path(params["dest"])
        self._rules: change_notices.Rules = params["rules"]
        self._owner = tree_files.Ownership.of_this_process()
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self._name):
            raise HostError(f"name {self._name!r} is no plain name; use lower-case letters, digits, dots and dashes")
        if not re.fullmatch(r"[0-9a-f]{64}", self._sha256):
            raise HostError(f"sha256 {self._sha256!r} is not 64 hex digits; take it from the bundle's manifest")
        if not self._url.startswith("https://"):
            raise HostError(f"{self._url} is not served over HTTPS; the bundle server speaks HTTPS only")
        self._records = self._dest / RECORDS
        self._record_path = self._records / f"{self._name}.json"
        self._record = self._read_record()

    def run(self) -> dict[str, Any]:
        overdue = change_notices.overdue(self._rules, check_mode=self._check)
        same_archive = self._record.get("sha256") == self._sha256
        drifted = self._drifted()
        if same_archive:
            self._refuse_unmatched(self._record["files"])
        if same_archive and not drifted:
            return self._result([], overdue)
        if self._check:
            # Which files a new archive changes is not known before it is here: all that it may call for is predicted.
            called = self._called(drifted) if same_archive else [name for _, names in self._rules for name in names]
            return self._result(drifted if same_archive else [], [*called, *overdue], changed=True)
        changed = self._unpack()
        return self._result(changed, [*self._called(changed), *overdue])

    def _result(self, changed_paths: list[str], notify: list[str], *, changed: bool = False) -> dict[str, Any]:
        notify = list(dict.fromkeys(notify))
        return {"changed": bool(changed or changed_paths or notify), "changed_paths": changed_paths, "notify": notify}

    def _called(self, paths: Iterable[str]) -> list[str]:
        return change_notices.handlers_for(self._rules, paths)

    def _read_record(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._record_path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def _drifted(self) -> list[str]:
        """Recorded paths whose file is gone or no longer what was placed."""
        return [path for path, known in self._record.get("files", {}).items() if not self._agrees(path, known)]

    def _agrees(self, path: str, known: dict[str, Any]) -> bool:
        found = tree_files.lstat(self._dest / path)
        return (
            tree_files.is_regular(found)
            and (found.st_size, found.st_mtime_ns, found.st_mode & 0o7777)
            == (known["size"], known["mtime_ns"], known["mode"])
            and self._owner.agrees(found)
        )

    def _refuse_unmatched(self, paths: Iterable[str]) -> None:
        for pattern, names in self._rules:
            if not any(re.fullmatch(pattern, path) for path in paths):
                raise HostError(
                    f"handlers: no file of archive {self._name!r} matches the glob for {', '.join(names)}; "
                    "correct the glob or remove it"
                )

    def _unpack(self) -> list[str]:
        """Bring the archive here, stage all its files, and only then put them in place; returns what changed."""
        self._records.mkdir(mode=0o755, parents=True, exist_ok=True)
        download = self._records / f".{self._name}.part"
        staged: dict[str, _Staged] = {}
        try:
            self._download(download)
            self._stage_members(download, staged)
            self._refuse_unmatched(staged)
            changed = self._place(staged)
        finally:
            download.unlink(missing_ok=True)
            for file in staged.values():
                tree_files.staging_path(file.target).unlink(missing_ok=True)
        changed += self._remove_leftovers({file.target for file in staged.values()})
        self._write_record(staged)
        change_notices.finish(self._called(changed))
        return changed

    def _download(self, to: Path) -> None:
        """Download and check the sha256."""
        from amalgam.on_host import https  # its imports cost as much as all the rest

        digest = https.Server(self._ca_path).ask(
            self._url,
            lambda answer: tree_files.stage(to, tree_files.read_chunks(answer), 0o600, self._owner),
        )
        tree_files.put_in_place(to)
        if digest != self._sha256:
            raise HostError(
                f"{self._url}: sha256 is {digest}, wanted {self._sha256}; nothing was unpacked. "
                "Check the bundle (amalgam bundle verify) and sync it again"
            )

    def _stage_members(self, download: Path, staged: dict[str, _Staged]) -> None:
        """Write every file of the archive beside its place."""
        import tarfile  # not needed where nothing is unpacked

        try:
            with tarfile.open(download, "r|*") as archive:
                for member in archive:
                    if not member.isdir():
                        content = archive.extractfile(member) if member.isreg() else None
                        path = os.path.normpath(member.name)
                        staged[path] = self._stage_member(path, member, content)
        except tarfile.TarError as error:
            raise HostError(f"{self._url}: {error}; this is no archive of a bundle, see what `url` names") from error

    def _stage_member(self, path: str, member: tarfile.TarInfo, content: IO[bytes] | None) -> _Staged:
        if content is None:
            raise HostError(
                f"{self._url}: member {member.name!r} is no regular file; archives of the bundle hold no others"
            )
        mode = member.mode & 0o7777
        target = tree_files.resolve(self._dest, path)
        tree_files.refuse_folder(target)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        digest = tree_files.stage(target, tree_files.read_chunks(content), mode, self._owner)
        return _Staged(target, member.size, mode, digest)

    def _place(self, staged: dict[str, _Staged]) -> list[str]:
        """Rename into place what differs in bytes, mode or owner; returns the paths that changed."""
        changed = []
        for path, file in staged.items():
            if not self._is_in_place(file):
                change_notices.begin(self._called([path]))
                tree_files.put_in_place(file.target)
                changed.append(path)
        return changed

    def _is_in_place(self, file: _Staged) -> bool:
        found = tree_files.lstat(file.target)
        return (
            tree_files.is_regular(found)
            and (found.st_size, found.st_mode & 0o7777) == (file.size, file.mode)
            and self._owner.agrees(found)
            and tree_files.sha256_of(file.target) == file.sha256
        )

    def _remove_leftovers(self, targets: set[Path]) -> list[str]:
        """Remove what the archive's previous version placed and this one lacks; returns the removed paths."""
        removed = []
        for path in self._record.get("files", {}):
            target = tree_files.resolve(self._dest, path)
            if target not in targets and os.path.lexists(target):
                change_notices.begin(self._called([path]))
                target.unlink()
                removed.append(path)
        return removed

    def _write_record(self, staged: dict[str, _Staged]) -> None:
        """Written last: a run that is killed before starts over, and finds what is in place by its bytes."""
        files = {
            path: {
                "size": file.size,
                "mode": file.mode,
                "sha256": file.sha256,
                "mtime_ns": file.target.lstat().st_mtime_ns,
            }
            for path, file in staged.items()
        }
        record = {"sha256": self._sha256, "files": files}
        tree_files.write_record(self._record_path, json.dumps(record, indent=1, sort_keys=True))
