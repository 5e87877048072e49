"""What holds for a whole site: the keys that are no role's, but every role may rely on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from amalgam.models.fields import Cidr, ControllerPath, Domain, SiteName, TimeServer, TimeZone


class SiteSettings(BaseModel):
    """Every key is a variable in ``group_vars/all/``, in the file named after its first word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    site_name: SiteName
    """A DNS label."""
    site_domain: Domain
    """The domain of the nodes' own names."""
    site_timezone: TimeZone
    site_ntp_servers: list[TimeServer]
    """Time servers the nodes can reach; empty where there is none."""
    site_state_dir: ControllerPath
    """Folder on the controller for the site's vaulted secrets and the password of the vault."""
    kubernetes_version: str | None = None
    """The version wanted; the lock must have it. Absent: the one in the lock."""
    network_node_cidr: Cidr
    network_user_cidrs: list[Cidr] = []
    """Networks whose people use the platform: they reach its services, and no host by SSH."""
    network_pod_cidr: Cidr
    network_service_cidr: Cidr
    network_dns_domain: Domain
    """The cluster's own domain, in which Services have their names."""
    bundle_path: ControllerPath
    """Folder of the bundle on the controller."""
    bundle_allowed_signers: ControllerPath
    """OpenSSH ``allowed_signers`` file on the controller: whose bundles this site takes."""
