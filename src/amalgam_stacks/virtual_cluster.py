"""A virtual cluster (VC): a namespace with its quota, its members' rights, and walls around it."""

from __future__ import annotations

from typing import Annotated, Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from amalgam.models.tenants import Flow, Limits
from amalgam.tenants import labels
from amalgam.tenants.hard import QUOTA
from amalgam.training.parameters import PULL_SECRET
from amalgam_stacks.args import Args
from amalgam_stacks.caps import Caps, CapsArgs
from amalgam_stacks.isolation import Isolation, IsolationArgs
from amalgam_stacks.roles import cluster_role_name

_POD_SECURITY = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
_CONTAINER: Any = {
    "type": "Container",
    # A quota refuses containers that say neither.
    "default_request": {"cpu": "100m", "memory": "128Mi"},
    "default": {"memory": "512Mi"},
}


class VirtualClusterArgs(Args):
    """One VC, with all that follows from where it stands."""

    name: str
    path: str
    """Names of organisation and groups around it, joined by slashes."""
    hard: dict[str, str]
    """Of its ResourceQuota."""
    members: tuple[tuple[str, str], ...]
    """(user, role)."""
    caps: dict[str, Limits]
    cap_classes: dict[str, dict[str, str]]
    """Capped member → priority → the class of their own that stands for it."""
    priority_classes: tuple[str, ...]
    flows: tuple[Flow, ...]
    registry_login: Annotated[str | None, Field(repr=False)] = None
    """Docker's ``config.json`` for the registry; ``None`` where the VC has no project there."""


class VirtualCluster(pulumi.ComponentResource):
    """One VC.

    Attributes:
        quota: its ResourceQuota, which the quotas of others that grow wait for where it shrinks.
    """

    quota: k8s.core.v1.ResourceQuota

    def __init__(
        self,
        args: VirtualClusterArgs,
        *,
        shrinking: list[pulumi.Resource] | None = None,
        before_delete: pulumi.ResourceHook | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            shrinking: quotas that are lowered before this VC's is raised, or it moves to another group.
            before_delete: looks whether the VC may be deleted, and raises where it may not.
        """
        super().__init__("amalgam:tenants:VirtualCluster", args.name, None, opts)
        vc = args.name
        hooks = pulumi.ResourceHookBinding(before_delete=[before_delete]) if before_delete else None
        namespace = k8s.core.v1.Namespace(
            vc,
            metadata={
                "name": vc,
                "labels": {labels.VC: vc, labels.ORGANISATION: args.path.partition("/")[0], **_POD_SECURITY},
                "annotations": {labels.PATH: args.path},
            },
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks, depends_on=shrinking or []),
        )
        # Deleted with the namespace, not before it: no pod ever runs there without its walls.
        inside = pulumi.ResourceOptions(parent=self, deleted_with=namespace, depends_on=[namespace])
        self.quota = k8s.core.v1.ResourceQuota(
            f"{vc}-{QUOTA}",
            metadata={"name": QUOTA, "namespace": vc},
            spec={"hard": args.hard},
            opts=inside,
        )
        walls: list[pulumi.Resource] = [
            self.quota,
            k8s.core.v1.ResourceQuota(
                f"{vc}-priorities", metadata={"name": "priorities", "namespace": vc}, spec=_no_other(args), opts=inside
            ),
            k8s.core.v1.LimitRange(
                f"{vc}-containers",
                metadata={"name": "containers", "namespace": vc},
                spec={"limits": [_CONTAINER]},
                opts=inside,
            ),
            Isolation(vc, IsolationArgs(vc=vc, flows=args.flows), inside),
        ]
        if args.registry_login is not None:
            k8s.core.v1.Secret(
                f"{vc}-{PULL_SECRET}",
                metadata={"name": PULL_SECRET, "namespace": vc},
                type="kubernetes.io/dockerconfigjson",
                string_data=pulumi.Output.secret({".dockerconfigjson": args.registry_login}),
                opts=inside,
            )
        if args.caps:
            caps = CapsArgs(vc=vc, caps=args.caps, classes=args.cap_classes)
            # Most of it is no part of the namespace, and does not go with it.
            after = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
            walls.append(Caps(vc, caps, namespace=namespace, opts=after))
        for role in sorted({role for _, role in args.members}):
            k8s.rbac.v1.RoleBinding(
                f"{vc}-{role}",
                metadata={"name": cluster_role_name(role), "namespace": vc},
                role_ref={
                    "api_group": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": cluster_role_name(role),
                },
                subjects=[
                    {"api_group": "rbac.authorization.k8s.io", "kind": "User", "name": user}
                    for user, theirs in args.members
                    if theirs == role
                ],
                # People come in when the walls stand.
                opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=walls)),
            )
        self.register_outputs({"namespace": namespace.metadata.name})


def _no_other(args: VirtualClusterArgs) -> k8s.core.v1.ResourceQuotaSpecArgs:
    """No pod with a priority that the VC may not use, those of the system among them."""
    own = [name for classes in args.cap_classes.values() for name in classes.values()]
    others: Any = {"scope_name": "PriorityClass", "operator": "NotIn", "values": [*args.priority_classes, *own]}
    return k8s.core.v1.ResourceQuotaSpecArgs(
        hard={"pods": "0"}, scope_selector=k8s.core.v1.ScopeSelectorArgs(match_expressions=[others])
    )
