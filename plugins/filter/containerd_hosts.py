"""Filter ``containerd_hosts``: a shim over :mod:`amalgam.registry.hosts`."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import TypeAdapter

from amalgam.models.mirrors import Mirror
from amalgam.registry.hosts import hosts_files

_MIRRORS = TypeAdapter(list[Mirror])


def containerd_hosts(mirrors: str, registry: str) -> list[dict[str, str]]:
    """Files as ``template_tree`` takes them; ``mirrors`` is JSON (see ``registry_access``)."""
    files = hosts_files(registry, _MIRRORS.validate_json(mirrors))
    return [{"path": path, "content": content} for path, content in files.items()]


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, str]]]]:
        """Name to function: ``mirrors | to_json | containerd_hosts(registry)``."""
        return {"containerd_hosts": containerd_hosts}
