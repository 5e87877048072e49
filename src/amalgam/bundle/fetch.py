"""Files whose digest the lock knows, from the first source that has them: cache, mirrors, an address.

A download that broke off goes on where it was, where the server serves ranges. Other bytes than locked are never used.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from amalgam.bundle.store import file_sha256
from amalgam.errors import AmalgamError

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Fetcher:
    """Files by sha256 under ``folder``; ``mirrors`` are folders or addresses laid out like a bundle."""

    folder: Path
    mirrors: Sequence[str] = ()

    def path(self, sha256: str) -> Path:
        """Where a file with this digest lies once it is here."""
        return self.folder / sha256[:2] / sha256

    def cached(self, sha256: str) -> Path | None:
        """The file, where it is here and whole."""
        path = self.path(sha256)
        if path.is_file() and file_sha256(path) == sha256:
            return path
        return None

    def adopt(self, name: str, source: Path, sha256: str) -> Path:
        """Take a file that another tool fetched into the cache.

        Raises:
            AmalgamError: it has another digest.
        """
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".adopting")
        shutil.copyfile(source, part)
        self._settle(name, part, target, sha256, str(source))
        return target

    def fetch(self, name: str, sha256: str, *, mirror_path: str, url: str = "") -> tuple[Path, str] | None:
        """The file and the source it came from; nothing where no source has it.

        Args:
            name: the artifact, for messages.
            sha256: what the lock says.
            mirror_path: where a mirror keeps it, a path in a bundle.
            url: where upstream keeps it.

        Raises:
            AmalgamError: a source has other bytes under that name, or upstream cannot be read.
        """
        here = self.cached(sha256)
        if here:
            return here, "cache"
        for mirror in self.mirrors:
            if "://" in mirror:
                found = self._download(name, f"{mirror.rstrip('/')}/{mirror_path}", sha256, required=False)
            else:
                candidate = Path(mirror) / mirror_path
                found = self.adopt(name, candidate, sha256) if candidate.is_file() else None
            if found:
                return found, "mirror"
        if url:
            found = self._download(name, url, sha256, required=True)
            if found:
                return found, "release"
        return None

    def _download(self, name: str, url: str, sha256: str, *, required: bool) -> Path | None:
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        try:
            if not _resume(url, part, required):
                return None
        except httpx.HTTPError as error:
            raise AmalgamError(
                f"cannot download {name}: {error}",
                where=url,
                remedy="see that the address answers, then run the same command again: it goes on where it was",
            ) from error
        self._settle(name, part, target, sha256, url)
        return target

    def _settle(self, name: str, part: Path, target: Path, sha256: str, source: str) -> None:
        found = file_sha256(part)
        if found != sha256:
            part.unlink()
            raise AmalgamError(
                f"{name} has another checksum: sha256 {found}, the lock says {sha256}",
                where=source,
                remedy="do not use that source; where upstream replaced the file on purpose, pin its new version",
            )
        part.replace(target)


def _resume(url: str, part: Path, required: bool) -> bool:
    """Append to ``part`` what it lacks; whether the server has the file.

    Raises:
        httpx.HTTPError: no answer, or an error other than "not found" on an optional source.
    """
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == httpx.codes.NOT_FOUND and not required:
            return False
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return True
        response.raise_for_status()
        mode = "ab" if response.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
        with part.open(mode) as stream:
            # In pieces as they come: a larger buffer would be lost when the connection breaks.
            for chunk in response.iter_raw():
                stream.write(chunk)
    return True
