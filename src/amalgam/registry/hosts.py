"""How containerd reaches registries: one folder for each, below its ``certs.d``.

Read at each pull, so that a change needs no restart.
https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from amalgam.models.mirrors import Mirror

_SITE_AUTHORITY = "/etc/amalgam/pki/ca.crt"
_FOLDER = "etc/containerd/certs.d"


def hosts_files(registry: str, mirrors: Iterable[Mirror]) -> dict[str, str]:
    """Path on the node → content, for the site's own ``registry`` (HOST:PORT) and for those with a mirror.

    A mirror stands as the server itself: containerd would ask the registry, too, where a mirror lacks an image, and a
    node without a way to the Internet would wait for that in vain.
    """
    files = {}
    for mirror in [Mirror(registry=registry, endpoint=f"https://{registry}"), *mirrors]:
        folder = f"{_FOLDER}/{mirror.registry}"
        authority = _SITE_AUTHORITY
        if mirror.ca_certificate is not None:
            authority = f"/{folder}/ca.crt"
            files[f"{folder}/ca.crt"] = mirror.ca_certificate
        lines = [f'server = "{mirror.endpoint}"', 'capabilities = ["pull", "resolve"]', f'ca = "{authority}"']
        if urlsplit(mirror.endpoint).path:
            lines.append("override_path = true")
        files[f"{folder}/hosts.toml"] = "".join(f"{line}\n" for line in lines)
    return files
