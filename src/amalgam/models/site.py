"""A site: the machines there are and what is wanted of them, read from its inventory folder and checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from amalgam.models.accelerators import AcceleratorSoftware, software_of
from amalgam.models.checks import check_site
from amalgam.models.datasets import VARIABLE as DATASETS
from amalgam.models.datasets import VcDatasets
from amalgam.models.draft import Draft
from amalgam.models.faults import SiteFaultsError
from amalgam.models.fields import Accelerator, Architecture, resolve_path
from amalgam.models.harbor import HarborData, harbor_data
from amalgam.models.inventory import read_inventory
from amalgam.models.lab import LabSettings
from amalgam.models.mirrors import Mirror
from amalgam.models.monitoring import ADMINISTRATORS
from amalgam.models.platform import IMAGE_REGISTRIES, SYSTEM_NAMESPACES, PlatformSettings
from amalgam.models.registry import ADMINISTRATOR, RegistryProject
from amalgam.models.registry_members import with_members
from amalgam.models.settings import SiteSettings
from amalgam.models.storage import Subvolume
from amalgam.models.tenant_checks import tenants_of
from amalgam.models.tenants import Tenants
from amalgam.models.topology import BUNDLE_SERVER, MANAGEMENT
from amalgam.models.training import VARIABLE as TRAINING
from amalgam.models.training import TrainingVolume
from amalgam.models.volumes import PROVISIONER, Provisioner
from amalgam.paths import project_root
from amalgam.tenants.vcs import tenancies


@dataclass(frozen=True)
class Host:
    """One machine of a site."""

    name: str
    address: IPv4Address
    architecture: Architecture
    runtime_architecture: Architecture
    """That of its kernel, for which container runtime and network agent are built; nearly always the same."""
    accelerator: Accelerator | None
    accelerator_software: AcceleratorSoftware
    """``external`` where somebody else installs what its chips need."""
    groups: frozenset[str]
    """Every group that holds it, without ``all``."""


@dataclass(frozen=True)
class Site:
    """A site without faults."""

    folder: Path
    settings: SiteSettings
    hosts: tuple[Host, ...]
    """In the order of ``hosts.yml``."""
    lab: LabSettings | None
    """How to bring it up on this machine; ``None`` for a real site."""
    registry_projects: tuple[RegistryProject, ...] = ()
    """With the members of the VCs that they belong to."""
    harbor: HarborData | None = None
    """What is to be in its Harbor; ``None`` where its registry is the embedded one."""
    datasets: tuple[VcDatasets, ...] = ()
    """The VCs that have datasets."""
    training_volumes: tuple[TrainingVolume, ...] = ()
    """The VCs that train."""
    subvolumes: tuple[Subvolume, ...] = ()
    volumes_provisioner: Provisioner = "local_path"
    mirrors: tuple[Mirror, ...] = ()
    platform: PlatformSettings = field(default_factory=PlatformSettings)
    tenants: Tenants = field(default_factory=Tenants)
    monitoring_administrators: tuple[str, ...] = ()
    """People who see dashboards, alerts and all logs, beside the site's own user."""

    def group(self, name: str) -> tuple[Host, ...]:
        """The hosts of a group."""
        return tuple(host for host in self.hosts if name in host.groups)

    @property
    def bundle_server(self) -> Host:
        """The one host that serves the bundle."""
        return self.group(BUNDLE_SERVER)[0]

    @property
    def registry_users(self) -> tuple[str, ...]:
        """Every user who is a member of a registry project, and every VC's own account; sorted."""
        return tuple(sorted({member.user for project in self.registry_projects for member in project.members}))

    @property
    def monitoring_users(self) -> tuple[str, ...]:
        """Every person who may look at dashboards and logs, sorted; none where the site has no monitoring."""
        if not self.group(MANAGEMENT):
            return ()
        members = {user for tenancy in tenancies(self.tenants) for user, _ in tenancy.members}
        return tuple(sorted({ADMINISTRATOR, *self.monitoring_administrators, *members}))

    @property
    def harbor_robots(self) -> tuple[str, ...]:
        """``project/name`` of every robot account that its Harbor is to have."""
        return tuple(self.harbor.robot_names()) if self.harbor else ()

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """The architectures that its hosts have programs of, sorted."""
        return tuple(sorted({one for host in self.hosts for one in (host.architecture, host.runtime_architecture)}))

    @property
    def state_dir(self) -> Path:
        """Where its secrets lie on the controller."""
        return resolve_path(self.settings.site_state_dir, self.folder)

    @property
    def bundle_path(self) -> Path:
        """Where its bundle lies on the controller."""
        return resolve_path(self.settings.bundle_path, self.folder)

    @property
    def bundle_allowed_signers(self) -> Path:
        """The file on the controller that says whose bundles it takes."""
        return resolve_path(self.settings.bundle_allowed_signers, self.folder)


def load_site(folder: Path, *, roles: Path | None = None) -> Site:
    """The site in the inventory ``folder``; its variables may be options of the roles in ``roles`` (default: ours).

    Raises:
        SiteFaultsError: the data has faults; the error has them all.
        AmalgamError: a role's specification or the lock cannot be read.
    """
    inventory = read_inventory(folder)
    draft = Draft(inventory, faults=list(inventory.faults))
    check_site(draft, roles or project_root() / "roles")
    if draft.faults:
        raise SiteFaultsError(folder, draft.faults)
    tenants, harbor = tenants_of(draft), harbor_data(draft)
    # Harbor's accounts are its own to keep.
    projects = with_members(draft.setting("registry_projects", list) or [], tenants, pull_accounts=harbor is None)
    settings = {name: variable.value for name in SiteSettings.model_fields if (variable := draft.site_wide(name))}
    return Site(
        folder=folder,
        settings=SiteSettings.model_validate(settings),
        hosts=tuple(_host(draft, name) for name in inventory.hosts),
        lab=draft.setting("lab", LabSettings),
        registry_projects=projects,
        harbor=harbor and harbor.model_copy(update={"projects": list(projects)}),
        datasets=tuple(draft.setting(DATASETS, list) or []),
        training_volumes=tuple(draft.setting(TRAINING, list) or []),
        subvolumes=tuple(draft.setting("ceph_subvolumes", list) or []),
        volumes_provisioner="ceph_csi" if draft.setting(PROVISIONER, str) == "ceph_csi" else "local_path",
        mirrors=tuple(draft.setting("containerd_mirrors", list) or []),
        platform=PlatformSettings(
            image_registries=draft.setting(IMAGE_REGISTRIES, list) or [],
            system_namespaces=draft.setting(SYSTEM_NAMESPACES, list) or [],
        ),
        tenants=tenants,
        monitoring_administrators=tuple(draft.setting(ADMINISTRATORS, list) or []),
    )


def _host(draft: Draft, name: str) -> Host:
    address = draft.of_host(name, "ansible_host", IPv4Address)
    architecture = _architecture(draft, name, "architecture", "amd64")
    accelerator = draft.of_host(name, "accelerator", str)
    assert address is not None  # noqa: S101 - a host without one is a fault
    return Host(
        name=name,
        address=address,
        architecture=architecture,
        runtime_architecture=_architecture(draft, name, "runtime_architecture", architecture),
        accelerator="nvidia" if accelerator == "nvidia" else "ascend" if accelerator == "ascend" else None,
        accelerator_software=software_of(draft, name),
        groups=draft.inventory.groups_of(name),
    )


def _architecture(draft: Draft, name: str, key: str, default: Architecture) -> Architecture:
    given = draft.of_host(name, key, str)
    return "arm64" if given == "arm64" else "amd64" if given == "amd64" else default
