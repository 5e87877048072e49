"""Looking into a site's registry and removing tags from it, by its API (OCI distribution specification 1.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from amalgam.connection import Connection
from amalgam.errors import AmalgamError
from amalgam.registry.credentials import Credentials
from amalgam.registry.reference import Reference

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SECONDS = 30.0


@dataclass(frozen=True)
class Image:
    """What a tag leads to."""

    reference: Reference
    digest: str
    architectures: tuple[str, ...]
    """Like ``amd64``, sorted; of an image without any, empty."""
    size: int
    """Of all layers of all architectures, as they lie in the registry (bytes)."""


class Registry(Connection):
    """A site's registry, asked as one of its users."""

    service = "the registry"
    on_silence = "see that this machine reaches it, and `systemctl status nginx` on the host of the registry"

    def __init__(self, credentials: Credentials) -> None:
        """Connect when first asked."""
        address = credentials.registry
        super().__init__(f"https://{address}", credentials.account, where=address, seconds=_SECONDS)

    def all_repositories(self) -> list[str]:
        """Those of every project, sorted; the administrator may ask.

        Raises:
            AmalgamError: the registry refuses, or does not answer.
        """
        names: list[str] = []
        for page in self._pages("/v2/_catalog?n=1000", "every project's images; name a project instead"):
            names += page["repositories"]
        return sorted(names)

    def repositories(self, project: str) -> list[str]:
        """Those of one project, sorted. A project that has no image yet has none.

        Raises:
            AmalgamError: the registry refuses, or does not answer.
        """
        found, folders = [], [project]
        while folders:
            folder = folders.pop()
            answer = self._ask("GET", f"/repositories/{folder}/", f"the images of {project}", missing_ok=True)
            entries = [entry["name"] for entry in answer.json()] if answer else []
            if "_manifests" in entries:
                found.append(folder)
            folders += [f"{folder}/{name}" for name in entries if not name.startswith("_")]
        return sorted(found)

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, sorted; none if it is not there.

        Raises:
            AmalgamError: the registry refuses, or does not answer.
        """
        names: list[str] = []
        for page in self._pages(f"/v2/{repository}/tags/list", f"the tags of {repository}"):
            names += page["tags"] or []
        return sorted(names)

    def describe(self, reference: Reference) -> Image | None:
        """What the tag leads to, or ``None`` where there is no such tag.

        Raises:
            AmalgamError: the registry refuses, or does not answer.
        """
        answer = self._manifest(reference.repository, reference.tag)
        if answer is None:
            return None
        content = answer.json()
        if _is_index(answer.headers.get("Content-Type", ""), content):
            platforms = [entry.get("platform", {}) for entry in content["manifests"]]
            # Attestations that builders add are manifests of the platform unknown/unknown.
            architectures = {
                one["architecture"] for one in platforms if one.get("architecture", "unknown") != "unknown"
            }
            parts = [self._manifest(reference.repository, entry["digest"]) for entry in content["manifests"]]
            manifests = [part.json() for part in parts if part is not None]
        else:
            manifests = [content]
            architectures = {self._config(reference.repository, content).get("architecture", "")} - {""}
        layers = {layer["digest"]: layer["size"] for manifest in manifests for layer in manifest.get("layers", [])}
        return Image(
            reference, answer.headers["Docker-Content-Digest"], tuple(sorted(architectures)), sum(layers.values())
        )

    def delete(self, reference: Reference) -> None:
        """Remove the tag, and no other tag of the same image; space is freed when garbage is collected.

        Raises:
            AmalgamError: there is no such tag; the registry refuses, or does not answer.
        """
        if not self._delete(reference):
            raise AmalgamError(
                f"there is no {reference}",
                where=self.where,
                remedy=f"amalgam image list {reference.project}",
            )

    def _delete(self, reference: Reference) -> bool:
        """Whether the tag was there."""
        path = f"/v2/{reference.repository}/manifests/{reference.tag}"
        return self._ask("DELETE", path, f"deleting {reference}", missing_ok=True) is not None

    def _manifest(self, repository: str, name: str) -> httpx.Response | None:
        accept = {"Accept": ", ".join([*_INDEX_TYPES, *_MANIFEST_TYPES])}
        path = f"/v2/{repository}/manifests/{name}"
        return self._ask("GET", path, f"{repository}:{name}", headers=accept, missing_ok=True)

    def _config(self, repository: str, manifest: dict[str, Any]) -> dict[str, Any]:
        digest = manifest.get("config", {}).get("digest")
        answer = self._ask("GET", f"/v2/{repository}/blobs/{digest}", repository) if digest else None
        try:
            config = answer.json() if answer else {}
        except json.JSONDecodeError:  # an artifact that is no image may have anything for its configuration
            return {}
        return config if isinstance(config, dict) else {}

    def _pages(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        while path:
            answer = self._ask("GET", path, what, missing_ok=True)
            if answer is None:
                return
            yield answer.json()
            path = answer.links.get("next", {}).get("url", "")

    def _ask(
        self, method: str, path: str, what: str, *, headers: dict[str, str] | None = None, missing_ok: bool = False
    ) -> httpx.Response | None:
        with self._telling_silence():
            answer = self._http.request(method, path, headers=headers)
        if answer.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return None
        if answer.is_error:
            raise self._refusal(answer, what)
        return answer

    def _refusal(self, answer: httpx.Response, what: str) -> AmalgamError:
        where, user = self.where, self.user
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            remedy = "ask the platform's administrator for the right, or for new credentials"
            return AmalgamError(f"{user} has no right to this: {what}", where=where, remedy=remedy)
        if answer.status_code == httpx.codes.METHOD_NOT_ALLOWED:
            remedy = "try again in some minutes: garbage is being collected"
            return AmalgamError(f"the registry is read-only now: {what}", where=where, remedy=remedy)
        remedy = "see `journalctl -u registry -u nginx -u harbor` on the host of the registry"
        return AmalgamError(f"the registry answers {answer.status_code}: {what}", where=where, remedy=remedy)


def _is_index(content_type: str, content: dict[str, Any]) -> bool:
    """Whether a manifest is one of several architectures. Its own ``mediaType`` may be left out, also from an index."""
    return content_type.partition(";")[0].strip() in _INDEX_TYPES or "manifests" in content
