"""What follows from a site's data, and what its hosts are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from amalgam.models import Site

ROOT = Path(__file__).resolve().parents[2]

CA = "/etc/amalgam/pki/ca.crt"


def _variables(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True)
class SiteFacts:
    """A site with the names and ports that playbooks/layers/group_vars/all.yml gives its services."""

    site: Site

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return _variables(ROOT / "playbooks" / "layers" / "group_vars" / "all.yml")

    def port(self, service: str) -> int:
        """Port of ``bundle``, ``registry`` or ``api_balancer``."""
        return int(self._defaults[f"site_{service}_port"])

    def fqdn(self, name: str) -> str:
        """A name in the site's domain."""
        return f"{name}.{self.site.settings.site_domain}"

    @property
    def bundle(self) -> str:
        """The bundle server, NAME:PORT."""
        return f"{self.fqdn('bundle')}:{self.port('bundle')}"

    @property
    def registry(self) -> str:
        """The registry, NAME:PORT."""
        return f"{self.fqdn('registry')}:{self.port('registry')}"

    @property
    def api(self) -> str:
        """The API as every node reaches it, NAME:PORT."""
        return f"{self.fqdn('api')}:{self.port('api_balancer')}"

    def address(self, name: str) -> str:
        """Address of a host."""
        return next(str(host.address) for host in self.site.hosts if host.name == name)

    def names(self, *groups: str) -> list[str]:
        """Names of the hosts in one of the groups; of all hosts when none is named."""
        return [host.name for host in self.site.hosts if not groups or host.groups & set(groups)]

    def subvolumes(self, worker: str | None = None) -> list[str]:
        """Parts of the file system; of a worker, those that it mounts."""
        listed = self._said("ceph_subvolumes")["ceph_subvolumes"]
        return [one["name"] for one in listed if worker is None or worker in one.get("hosts", [worker])]

    def sysctls(self) -> dict[str, int]:
        """Kernel settings of every host."""
        settings: dict[str, int] = self._said("host_base")["host_base_sysctls"]
        return settings

    def cors_origins(self) -> list[str]:
        """Origins whose pages may reach the buckets of datasets."""
        origins: list[str] = self._said("ceph").get("ceph_rgw_cors_origins", [])
        return origins

    def prometheus(self, setting: str) -> str:
        """A variable of the role ``prometheus``, as the site has it."""
        defaults = _variables(ROOT / "roles" / "prometheus" / "defaults" / "main.yml")
        return str((defaults | self._said("prometheus"))[f"prometheus_{setting}"])

    def _said(self, topic: str) -> dict[str, Any]:
        """What the site's inventory says of a topic."""
        return _variables(self.site.folder / "group_vars" / "all" / f"{topic}.yml")

    def plain_workers(self) -> list[str]:
        """Names of the workers that are no part of the control plane."""
        return [name for name in self.names("workers") if name not in self.names("control_plane")]

    def managed(self, accelerator: str) -> list[str]:
        """Names of the hosts with such chips whose software the site leaves to this project."""
        return [
            host.name
            for host in self.site.hosts
            if host.accelerator == accelerator and host.accelerator_software == "managed"
        ]
