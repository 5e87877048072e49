"""What holds for all pods of a site, whoever's they are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from amalgam.models.mirrors import RegistryName

IMAGE_REGISTRIES = "platform_image_registries"
SYSTEM_NAMESPACES = "platform_system_namespaces"

SYSTEM = ("kube-system", "shared-volumes", "ceph-csi", "device-plugins", "logging", "monitoring")
"""Namespaces whose pods are parts of the nodes: they may use their host, and are the site's own.

No policy of the platform looks at them. Their images are those of the bundle, or lie on the node already.
"""


class PlatformSettings(BaseModel):
    """What a site adds to what every site has."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    image_registries: list[RegistryName] = []
    """HOST or HOST:PORT of registries that images may come from, beside the site's own and those that it mirrors."""
    system_namespaces: list[str] = []
    """Namespaces of further parts of nodes that the site brings itself."""

    @property
    def all_system_namespaces(self) -> tuple[str, ...]:
        """Those, and every site's."""
        return (*SYSTEM, *self.system_namespaces)
