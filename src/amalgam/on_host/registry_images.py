"""Make a registry hold the images of an OCI layout, index and all."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from amalgam.on_host import commands, https
from amalgam.on_host.program import HostError, Request

REF_NAME = "org.opencontainers.image.ref.name"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = f"{INDEX_TYPE}, application/vnd.oci.image.manifest.v1+json"
PARALLEL = 8


def run(request: Request) -> dict[str, Any]:
    """Have the ``registry`` hold ``images`` (or all) of the ``layout``: compare, push what differs, say what it was.

    Raises:
        HostError: no layout, no such image in it, or a registry that does not take it.
    """
    params = request.params
    path = Path(params["layout"])
    if not (path / "index.json").is_file():
        if request.check_mode:
            return {"changed": True, "pushed": params["images"] or []}
        raise HostError(f"layout {path} is no OCI layout; bring the bundle here first (bundle_sync)")
    layout = _Layout(path)
    references = params["images"] if params["images"] is not None else list(layout.images)
    for reference in references:
        if reference not in layout.images:
            raise HostError(f"images: {reference} is not in {path}; it has {', '.join(sorted(layout.images))}")
    try:
        registry = _Registry(params)
        absent = _absent_images(registry, {reference: layout.images[reference]["digest"] for reference in references})
        if absent and not request.check_mode:
            _push(layout, registry, absent)
    except https.Unreachable:
        if not request.check_mode:
            raise
        absent = references
    return {"changed": bool(absent), "pushed": absent}


class _Registry:
    """What the registry says it has."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.address: str = params["registry"]
        self.ca_path = Path(params["ca_path"])
        self.auth = base64.b64encode(f"{params['username']}:{params['password']}".encode()).decode()
        self._server = https.Server(self.ca_path)

    def digest(self, reference: str) -> str | None:
        """The digest under ``repository:tag``, None where there is none."""
        repository, tag = reference.rsplit(":", 1)
        try:
            return self._server.ask(
                f"https://{self.address}/v2/{repository}/manifests/{tag}",
                lambda answer: str(answer.headers["Docker-Content-Digest"]),
                method="HEAD",
                headers={"Accept": MANIFEST_TYPES, "Authorization": f"Basic {self.auth}"},
            )
        except https.Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise


class _Layout:
    """The images of an OCI layout, by reference."""

    def __init__(self, path: Path) -> None:
        self.path = path
        index = json.loads((path / "index.json").read_text())
        named = [entry for entry in index["manifests"] if REF_NAME in entry.get("annotations", {})]
        self.images: dict[str, dict[str, Any]] = {entry["annotations"][REF_NAME]: entry for entry in named}

    @contextmanager
    def only(self, reference: str) -> Iterator[str]:
        """A layout that holds this one image: crane pushes a layout's single entry as it is, digest and all."""
        top = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [self.images[reference]]}
        with tempfile.TemporaryDirectory() as view:
            Path(view, "oci-layout").write_bytes((self.path / "oci-layout").read_bytes())
            Path(view, "index.json").write_text(json.dumps(top))
            Path(view, "blobs").symlink_to(self.path / "blobs")
            yield view


def _absent_images(registry: _Registry, images: dict[str, str]) -> list[str]:
    """The references that the registry lacks, or has under another digest."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = dict(zip(images, pool.map(registry.digest, images), strict=True))
    return [reference for reference, digest in images.items() if found[reference] != digest]


def _push(layout: _Layout, registry: _Registry, references: list[str]) -> None:
    """Push with crane, credentials in a folder that only this user can read."""
    crane = shutil.which("crane", path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/bin")
    if crane is None:
        raise HostError("crane is not installed; unpack the bundle-server archive first (bundle_archive)")
    with tempfile.TemporaryDirectory() as private:
        auths = {"auths": {registry.address: {"auth": registry.auth}}}
        Path(private, "config.json").write_text(json.dumps(auths))
        for reference in references:
            with layout.only(reference) as view:
                command = [crane, "push", view, f"{registry.address}/{reference}"]
                ran = commands.run(command, DOCKER_CONFIG=private, SSL_CERT_FILE=str(registry.ca_path))
            if ran.rc != 0:
                raise HostError(f"pushing {reference} failed (exit code {ran.rc}): {ran.said}")
            digest, wanted = registry.digest(reference), layout.images[reference]["digest"]
            if digest != wanted:
                raise HostError(f"{reference} was pushed, but the registry has {digest} instead of {wanted}")
