"""All tenants of a site."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from amalgam.models import Site
from amalgam.registry.credentials import Credentials
from amalgam.tenants.caps import classes_of
from amalgam.tenants.hard import hard_of_vc
from amalgam.tenants.live import LiveVc
from amalgam.tenants.order import growing
from amalgam.tenants.roles import ROLES
from amalgam.tenants.vcs import Tenancy, tenancies
from amalgam_stacks.args import Args
from amalgam_stacks.roles import Roles, RolesArgs
from amalgam_stacks.virtual_cluster import VirtualCluster, VirtualClusterArgs


class TenantsArgs(Args):
    """The tenants, and which of them get more than they have."""

    roles: RolesArgs
    vcs: tuple[VirtualClusterArgs, ...]
    growing: frozenset[str]
    """VCs whose quotas are raised only after those of the others are lowered."""

    @classmethod
    def of_site(
        cls, site: Site, live: Mapping[str, LiveVc], logins: Mapping[str, Credentials] | None = None
    ) -> TenantsArgs:
        """As the site's data says, where the cluster has ``live`` now; ``logins`` are VCs' own at the registry."""
        all_classes = tuple(part.storage_class for part in site.subvolumes if part.storage_class)
        wanted = tenancies(site.tenants)
        return cls(
            roles=RolesArgs(roles=(*ROLES, *site.tenants.roles)),
            vcs=tuple(_vc(one, all_classes, (logins or {}).get(one.name)) for one in wanted),
            growing=frozenset(one.name for one in wanted if growing(one, live)),
        )


class Tenants(pulumi.ComponentResource):
    """The roles, and a VC each."""

    def __init__(
        self,
        name: str,
        args: TenantsArgs,
        *,
        before_delete: pulumi.ResourceHook | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare them, those that shrink first.

        Args:
            before_delete: looks whether a VC may be deleted, and raises where it may not.
        """
        super().__init__("amalgam:tenants:Tenants", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        Roles("roles", args.roles, inside)
        shrinking: list[pulumi.Resource] = [
            VirtualCluster(vc, before_delete=before_delete, opts=inside).quota
            for vc in args.vcs
            if vc.name not in args.growing
        ]
        for vc in args.vcs:
            if vc.name in args.growing:
                VirtualCluster(vc, shrinking=shrinking, before_delete=before_delete, opts=inside)
        self.register_outputs({"vcs": [vc.name for vc in args.vcs]})


def _vc(one: Tenancy, all_classes: tuple[str, ...], login: Credentials | None) -> VirtualClusterArgs:
    return VirtualClusterArgs(
        name=one.name,
        path=one.path,
        hard=hard_of_vc(one.effective, one.vc.storage_classes, all_classes),
        members=one.members,
        caps=one.vc.caps,
        cap_classes=classes_of(one.vc),
        priority_classes=tuple(one.vc.priority_classes),
        flows=tuple(one.vc.flows),
        registry_login=login.auth_file() if login else None,
    )
