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


@dataclass(frozen=True)
class SiteFacts:
    """A site with the names and ports that playbooks/layers/group_vars/all.yml gives its services."""

    site: Site

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        content = (ROOT / "playbooks" / "layers" / "group_vars" / "all.yml").read_text(encoding="utf-8")
        loaded: dict[str, Any] = yaml.safe_load(content)
        return loaded

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
        content = (self.site.folder / "group_vars" / "all" / "ceph_subvolumes.yml").read_text(encoding="utf-8")
        listed = yaml.safe_load(content)["ceph_subvolumes"]
        return [one["name"] for one in listed if worker is None or worker in one.get("hosts", [worker])]

    def sysctls(self) -> dict[str, int]:
        """Kernel settings of every host."""
        content = (self.site.folder / "group_vars" / "all" / "host_base.yml").read_text(encoding="utf-8")
        settings: dict[str, int] = yaml.safe_load(content)["host_base_sysctls"]
        return settings

    def cors_origins(self) -> list[str]:
        """Origins whose pages may reach the buckets of datasets."""
        content = (self.site.folder / "group_vars" / "all" / "ceph.yml").read_text(encoding="utf-8")
        origins: list[str] = yaml.safe_load(content).get("ceph_rgw_cors_origins", [])
        return origins

    def prometheus(self, setting: str) -> str:
        """A variable of the role ``prometheus``, as the site has it."""
        files = (ROOT / "roles/prometheus/defaults/main.yml", self.site.folder / "group_vars/all/prometheus.yml")
        said: dict[str, Any] = {}
        for file in files:
            said |= yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        return str(said[f"prometheus_{setting}"])

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
