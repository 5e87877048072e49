"""Filter ``registry_access``: a shim over :mod:`amalgam.registry.access`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from amalgam.models.registry import RegistryProject
from amalgam.registry.access import access

_PROJECTS = TypeAdapter(list[RegistryProject])


def registry_access(projects: str, platform: list[str], passwords: dict[str, str], salt: str) -> dict[str, Any]:
    """The fields of :class:`~amalgam.registry.access.Access`.

    ``projects`` is JSON: the values of Ansible's own lists are there only once a template asks for each.
    """
    return asdict(access(_PROJECTS.validate_json(projects), platform=platform, passwords=passwords, salt=salt))


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name to function: ``projects | to_json | registry_access(platform, passwords, salt)``."""
        return {"registry_access": registry_access}
