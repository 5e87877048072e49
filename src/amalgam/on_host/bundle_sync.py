"""Bring a bundle onto a host: say what is missing, keep and verify what arrives, and publish the manifest last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from amalgam.on_host import tree_files
from amalgam.on_host.program import HostError, Request

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
# What was verified: path -> [size, time of change in ns, sha256].
VERIFIED = ".verified.json"
OURS = {MANIFEST, SIGNATURE, VERIFIED}


def run(request: Request) -> dict[str, Any]:
    """Make ``dest`` hold the ``files`` of the manifest and nothing else, and say which are missing.

    The request's payload is ``segments`` of some that were: ``[path, offset, bytes]`` each, one after the other.

    Raises:
        HostError: what arrived is not what the manifest says.
    """
    return _BundleFolder(request).run()


class _BundleFolder:
    """The bundle on the host, compared with what it should be."""

    def __init__(self, request: Request) -> None:
        params = request.params
        self._check = request.check_mode
        self._dest = Path(params["dest"])
        self._segments: list[Any] = params["segments"]
        self._payload = request.payload
        self._wanted: dict[str, list[Any]] = {path: [size, sha256] for path, size, sha256 in params["files"]}
        self._manifest: dict[str, str] = params["manifest"]
        self._owner = tree_files.Ownership.of_this_process()
        self._verified = self._read_verified()

    def run(self) -> dict[str, Any]:
        if self._segments:
            self._receive()
        missing = self._missing()
        extra = self._extra()
        stale = [name for name, text in self._manifest.items() if not self._holds(name, text)]
        result = {"changed": bool(missing or extra or stale), "missing": missing, "removed": extra}
        if self._check:
            return result
        self._write_verified()
        if missing:
            return result
        for path in extra:
            self._remove(path)
        for name in stale:
            tree_files.replace(self._dest / name, self._manifest[name].encode(), 0o644, self._owner)
        return result

    def _missing(self) -> list[str]:
        """Paths that are not there with the wanted bytes. What is there but was not verified yet is read, once."""
        return [path for path, (size, sha256) in self._wanted.items() if not self._is_there(path, size, sha256)]

    def _is_there(self, path: str, size: int, sha256: str) -> bool:
        target = tree_files.resolve(self._dest, path)
        found = tree_files.lstat(target)
        if not tree_files.is_regular(found) or found.st_size != size:
            return False
        state = [size, found.st_mtime_ns, sha256]
        if self._verified.get(path) != state:
            if tree_files.sha256_of(target) != sha256:
                return False
            self._verified[path] = state
        return True

    def _extra(self) -> list[str]:
        """Paths in the folder that nobody wants: of an earlier bundle, or left by a killed run."""
        found = [file.relative_to(self._dest).as_posix() for file in self._dest.rglob("*") if not _is_folder(file)]
        return sorted(path for path in found if path not in self._wanted and path not in OURS)

    def _holds(self, name: str, text: str) -> bool:
        target = self._dest / name
        return target.is_file() and target.read_bytes() == text.encode()

    def _receive(self) -> None:
        """Keep what came along; what is whole stays when something after it is not."""
        try:
            for path, offset, size in self._segments:
                self._receive_segment(path, offset, self._payload.read(size), size)
        finally:
            self._write_verified()

    def _receive_segment(self, path: str, offset: int, content: bytes, sent: int) -> None:
        if path not in self._wanted:
            raise HostError(f"{path!r} arrived but is no file of the bundle; run the task again")
        if len(content) < sent:
            raise HostError(f"{path} was cut off on its way; run the task again")
        target = tree_files.resolve(self._dest, path)
        tree_files.refuse_folder(target)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        tree_files.stage_part(target, content, offset)
        if offset + sent == self._wanted[path][0]:
            self._finish(path, target)

    def _finish(self, path: str, target: Path) -> None:
        """Give a file its name once its bytes are verified."""
        size, sha256 = self._wanted[path]
        staged = tree_files.staging_path(target)
        digest = tree_files.sha256_of(staged)
        if digest != sha256:
            staged.unlink()
            raise HostError(
                f"{path} arrived with sha256 {digest}, the manifest says {sha256}; "
                "check the bundle on the controller (amalgam bundle verify)"
            )
        tree_files.set_owner_and_mode(staged, 0o644, self._owner)
        tree_files.put_in_place(target)
        self._verified[path] = [size, target.lstat().st_mtime_ns, sha256]

    def _remove(self, path: str) -> None:
        target = self._dest / path
        target.unlink()
        for folder in target.parents:
            if folder == self._dest or any(folder.iterdir()):
                break
            folder.rmdir()

    def _read_verified(self) -> dict[str, list[Any]]:
        try:
            return dict(json.loads((self._dest / VERIFIED).read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}

    def _write_verified(self) -> None:
        known = {path: state for path, state in self._verified.items() if path in self._wanted}
        if known != self._read_verified() or not self._dest.is_dir():
            tree_files.write_record(self._dest / VERIFIED, json.dumps(known, sort_keys=True))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
