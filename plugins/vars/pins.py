"""Gives every host ``pins``: the versions and images of the lock, for which :mod:`amalgam.pins` is the one reader."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible.plugins.vars import BaseVarsPlugin

from amalgam.pins import load_lock

DOCUMENTATION = """
name: pins
short_description: Versions and images of the lock, as the variable C(pins)
description:
  - C(pins.versions) has the version of each component, C(pins.images) the repository and tag of each image.
"""


@cache
def _pins() -> dict[str, Any]:
    lock = load_lock()
    images = {name: {"repository": image.repository, "tag": image.tag} for name, image in lock.images.items()}
    return {"pins": {"versions": lock.versions(), "images": images}}


class VarsModule(BaseVarsPlugin):
    """See ``DOCUMENTATION``."""

    REQUIRES_ENABLED = True
    is_stateless = True

    def get_vars(self, loader: Any, path: str, entities: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002 - Ansible's own
        """The variable, for the group that every host is in."""
        entities = entities if isinstance(entities, list) else [entities]
        return _pins() if any(entity.name == "all" for entity in entities) else {}
