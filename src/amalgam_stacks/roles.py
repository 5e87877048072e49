"""The members' roles as ClusterRoles; a RoleBinding in a VC's namespace gives one there, and nowhere else."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from amalgam.tenants.rbac import Role
from amalgam_stacks.args import Args


class RolesArgs(Args):
    """All roles of a site."""

    roles: tuple[Role, ...]


class Roles(pulumi.ComponentResource):
    """One ClusterRole each."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare them."""
        super().__init__("amalgam:tenants:Roles", name, None, opts)
        for role in args.roles:
            rules: list[Any] = [rule.model_dump() for rule in role.rules]
            k8s.rbac.v1.ClusterRole(
                role.name,
                metadata={"name": cluster_role_name(role.name)},
                rules=rules,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"roles": [role.name for role in args.roles]})


def cluster_role_name(role: str) -> str:
    """The name in Kubernetes, which has a few of its own."""
    return f"vc-{role}"
