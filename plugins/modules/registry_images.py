#!/usr/bin/python
"""Make a registry hold the images of an OCI layout, index and all."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: registry_images
short_description: Push the images of an OCI layout into a registry
description:
  - Compares the digest of every image in the layout with what the registry has under the same name, and pushes those
    that differ with C(crane). Indexes keep their digest, so every architecture travels along.
  - Success is what the registry answers afterwards.
author: Amalgam
options:
  layout:
    description: The OCI layout on this host.
    type: path
    required: true
  registry:
    description: The registry as host:port, HTTPS only.
    type: str
    required: true
  ca_path:
    description: Certificate of the only authority that is trusted for it.
    type: path
    required: true
  username:
    description: Who may push.
    type: str
    required: true
  password:
    description: The password. Never an argument of a process, only in a file that root alone can read.
    type: str
    required: true
  images:
    description: References (C(repository:tag)) to push. All of the layout's by default.
    type: list
    elements: str
attributes:
  check_mode:
    description: Predicts. A registry or layout that is not there yet means that everything would be pushed.
    support: full
"""

EXAMPLES = r"""
- name: Serve the images
  registry_images:
    registry: "{{ registry_address }}"
    ca_path: /etc/amalgam/pki/ca.crt
    username: push
    password: "{{ site_secrets.registry_push_password }}"
"""

RETURN = r"""
pushed:
  description: References that were pushed (or would be).
  returned: always
  type: list
  elements: str
"""

REF_NAME = "org.opencontainers.image.ref.name"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = f"{INDEX_TYPE}, application/vnd.oci.image.manifest.v1+json"
ATTEMPTS = 3
TIMEOUT_S = 30
PARALLEL = 8


class RegistryError(Exception):
    """A failure a person can act on."""


class Unreachable(RegistryError):  # noqa: N818 - said as it is read: "except Unreachable"
    """The registry does not answer."""


class Registry:
    """What the registry says it has."""

    def __init__(self, address: str, ca_path: Path, username: str, password: str) -> None:
        self.address = address
        self.ca_path = ca_path
        self.auth = base64.b64encode(f"{username}:{password}".encode()).decode()
        context = ssl.create_default_context(cafile=ca_path) if ca_path.is_file() else None
        # No proxy: the registry is inside the site.
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
        self.opener = urllib.request.build_opener(*handlers) if context else None

    def digest(self, reference: str) -> str | None:
        """The digest under ``repository:tag``, None where there is none.

        Raises:
            Unreachable: no answer after some attempts, or a certificate that is not the site's.
            RegistryError: another answer than yes or no.
        """
        if self.opener is None:
            raise Unreachable(f"ca_path {self.ca_path} is not there; place the site's CA certificate first")
        repository, tag = reference.rsplit(":", 1)
        url = f"https://{self.address}/v2/{repository}/manifests/{tag}"
        headers = {"Accept": MANIFEST_TYPES, "Authorization": f"Basic {self.auth}"}
        request = urllib.request.Request(url, method="HEAD", headers=headers)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.opener.open(request, timeout=TIMEOUT_S) as response:
                    return str(response.headers["Docker-Content-Digest"])
            except urllib.error.HTTPError as error:
                if error.code == http.HTTPStatus.NOT_FOUND:
                    return None
                raise RegistryError(f"{url}: the registry answers {error.code} {error.reason}") from error
            except (OSError, http.client.HTTPException) as error:
                if attempt == ATTEMPTS or isinstance(getattr(error, "reason", None), ssl.SSLError):
                    raise Unreachable(f"{url}: {error}; check the registry's service and certificate") from error
            time.sleep(attempt)
        return None


class Layout:
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


def absent_images(registry: Registry, images: dict[str, str]) -> list[str]:
    """The references that the registry lacks, or has under another digest."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = dict(zip(images, pool.map(registry.digest, images), strict=True))
    return [reference for reference, digest in images.items() if found[reference] != digest]


def push(module: AnsibleModule, layout: Layout, registry: Registry, references: list[str]) -> None:
    """Push with crane, credentials in a folder that only this user can read.

    Raises:
        RegistryError: no crane, a push that failed, or a registry that has something else afterwards.
    """
    crane = module.get_bin_path("crane", opt_dirs=["/usr/local/bin"])
    if crane is None:
        raise RegistryError("crane is not installed; unpack the bundle-server archive first (bundle_archive)")
    with tempfile.TemporaryDirectory() as private:
        auths = {"auths": {registry.address: {"auth": registry.auth}}}
        Path(private, "config.json").write_text(json.dumps(auths))
        environment = {"DOCKER_CONFIG": private, "SSL_CERT_FILE": str(registry.ca_path)}
        for reference in references:
            with layout.only(reference) as view:
                command = [crane, "push", view, f"{registry.address}/{reference}"]
                rc, out, err = module.run_command(command, environ_update=environment)
            if rc != 0:
                raise RegistryError(f"pushing {reference} failed (exit code {rc}): {err.strip() or out.strip()}")
            digest, wanted = registry.digest(reference), layout.images[reference]["digest"]
            if digest != wanted:
                raise RegistryError(f"{reference} was pushed, but the registry has {digest} instead of {wanted}")


def sync(module: AnsibleModule) -> dict[str, Any]:
    """Compare, push what differs, and say what it was."""
    params = module.params
    path = Path(params["layout"])
    if not (path / "index.json").is_file():
        if module.check_mode:
            return {"changed": True, "pushed": params["images"] or []}
        raise RegistryError(f"layout {path} is no OCI layout; bring the bundle here first (bundle_sync)")
    layout = Layout(path)
    references = params["images"] if params["images"] is not None else list(layout.images)
    for reference in references:
        if reference not in layout.images:
            raise RegistryError(f"images: {reference} is not in {path}; it has {', '.join(sorted(layout.images))}")
    registry = Registry(params["registry"], Path(params["ca_path"]), params["username"], params["password"])
    try:
        absent = absent_images(registry, {reference: layout.images[reference]["digest"] for reference in references})
    except Unreachable:
        if not module.check_mode:
            raise
        absent = references
    if absent and not module.check_mode:
        push(module, layout, registry, absent)
    return {"changed": bool(absent), "pushed": absent}


def main() -> None:
    spec = {
        "layout": {"type": "path", "required": True},
        "registry": {"type": "str", "required": True},
        "ca_path": {"type": "path", "required": True},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "images": {"type": "list", "elements": "str"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        module.exit_json(**sync(module))
    except (RegistryError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
