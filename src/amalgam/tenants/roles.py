"""What members of an organisation, a group or a VC may do in its namespaces: the only place where that is said.

The API server refuses what no rule allows. Nobody here may change quotas, network policies, or the namespace itself.
A site adds roles of its own in ``tenants_roles``.
"""

from __future__ import annotations

from amalgam.tenants.rbac import AccessRule, Role

_READ = ["get", "list", "watch"]
_WRITE = ["create", "update", "patch", "delete"]


def _rule(group: str, resources: list[str], verbs: list[str]) -> AccessRule:
    return AccessRule(api_groups=[group], resources=resources, verbs=verbs)


_VIEW = [
    _rule("", ["configmaps", "endpoints", "events", "persistentvolumeclaims", "serviceaccounts", "services"], _READ),
    _rule("", ["limitranges", "pods", "pods/log", "pods/status", "resourcequotas"], _READ),
    _rule("apps", ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"], _READ),
    _rule("batch", ["cronjobs", "jobs"], _READ),
    _rule("events.k8s.io", ["events"], _READ),
    _rule("discovery.k8s.io", ["endpointslices"], _READ),
    _rule("networking.k8s.io", ["networkpolicies"], _READ),
    _rule("policy", ["poddisruptionbudgets"], _READ),
    _rule("scheduling.k8s.io", ["podgroups", "workloads"], _READ),
]
_WORK = [
    _rule("", ["configmaps", "persistentvolumeclaims", "pods", "services"], _WRITE),
    _rule("", ["secrets"], [*_READ, *_WRITE]),
    _rule("", ["pods/attach", "pods/exec", "pods/portforward"], ["get", "create"]),
    _rule("apps", ["deployments", "replicasets", "statefulsets"], _WRITE),
    _rule("apps", ["deployments/scale", "replicasets/scale", "statefulsets/scale"], ["get", "update", "patch"]),
    _rule("batch", ["cronjobs", "jobs"], _WRITE),
    _rule("scheduling.k8s.io", ["podgroups", "workloads"], _WRITE),
]
_MANAGE = [
    _rule("", ["serviceaccounts"], _WRITE),
    _rule("", ["serviceaccounts/token"], ["create"]),
    _rule("policy", ["poddisruptionbudgets"], _WRITE),
    _rule("", ["configmaps", "persistentvolumeclaims", "pods", "services"], ["deletecollection"]),
    _rule("batch", ["cronjobs", "jobs"], ["deletecollection"]),
]
_ADMINISTER = [
    # The API server lets nobody give a right that he has not (RBAC's privilege escalation prevention).
    _rule("rbac.authorization.k8s.io", ["rolebindings", "roles"], [*_READ, *_WRITE]),
]

ROLES = (
    Role(name="viewer", rules=_VIEW),
    Role(name="developer", rules=_VIEW + _WORK),
    Role(name="group-manager", rules=_VIEW + _WORK + _MANAGE),
    Role(name="administrator", rules=_VIEW + _WORK + _MANAGE + _ADMINISTER),
)
"""Each has all that those before it have."""
