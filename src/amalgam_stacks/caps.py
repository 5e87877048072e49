"""What all pods of one member together may take (ADR 14).

Each capped member has PriorityClasses of their own, of the same priority as the platform's, and a ResourceQuota that
counts the pods of these classes. One policy writes the class into what the member creates, one keeps members and
classes together. Pods of a Job are made by a controller, so that both look at its template.
"""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from amalgam.models.tenants import Limits
from amalgam.tenants.caps import slug
from amalgam.tenants.hard import hard
from amalgam.tenants.priorities import DEFAULT, PRIORITIES
from amalgam_stacks.admission import AdmissionPolicy, AdmissionPolicyArgs
from amalgam_stacks.args import Args
from amalgam_stacks.workloads import SPEC, rules

_CLASS = {"name": "chosen", "expression": "variables.spec.?priorityClassName.orValue('')"}
_BEFORE = {
    "name": "before",
    "expression": "request.operation != 'UPDATE' ? '' : "
    + SPEC["expression"].replace("object.", "oldObject.").join("()")
    + ".?priorityClassName.orValue('')",
}
_USER = "request.userInfo.username"


class CapsArgs(Args):
    """The capped members of a VC."""

    vc: str
    caps: dict[str, Limits]
    classes: dict[str, dict[str, str]]
    """Capped member → priority → the class of their own that stands for it."""


class Caps(pulumi.ComponentResource):
    """Classes, quotas and policies for the capped members of a VC."""

    def __init__(
        self,
        name: str,
        args: CapsArgs,
        *,
        namespace: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare them."""
        super().__init__("amalgam:tenants:Caps", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        writes: Any = _writes_the_class(args)
        binding: Any = {"policy_name": f"caps-{args.vc}", "match_resources": {"namespace_selector": _only(args.vc)}}
        for user, limits in args.caps.items():
            _classes(args, user, inside)
            _count(args, user, limits, pulumi.ResourceOptions(parent=self, deleted_with=namespace))
        k8s.admissionregistration.v1.MutatingAdmissionPolicy(
            f"{name}-caps", metadata={"name": f"caps-{args.vc}"}, spec=writes, opts=inside
        )
        k8s.admissionregistration.v1.MutatingAdmissionPolicyBinding(
            f"{name}-caps",
            metadata={"name": f"caps-{args.vc}"},
            spec=binding,
            opts=inside,
        )
        AdmissionPolicy(f"caps-{args.vc}", _keeps_together(args), inside)
        AdmissionPolicy(f"caps-scale-{args.vc}", _no_scaling(args), inside)
        self.register_outputs({})


def _classes(args: CapsArgs, user: str, inside: pulumi.ResourceOptions) -> None:
    for priority in PRIORITIES:
        own = args.classes[user].get(priority.name)
        if own is not None:
            k8s.scheduling.v1.PriorityClass(
                own,
                metadata={"name": own},
                value=priority.value,
                preemption_policy="PreemptLowerPriority" if priority.preempts else "Never",
                description=f"{priority.name} of {user}, whose pods in {args.vc} are counted.",
                opts=inside,
            )


def _count(args: CapsArgs, user: str, limits: Limits, inside: pulumi.ResourceOptions) -> None:
    values = sorted(args.classes[user].values())
    k8s.core.v1.ResourceQuota(
        f"{args.vc}-cap-{slug(user)}",
        metadata={"name": f"cap-{slug(user)}", "namespace": args.vc, "annotations": {"amalgam.internal/user": user}},
        spec={
            "hard": hard(limits.amounts()),
            "scope_selector": {
                "match_expressions": [{"scope_name": "PriorityClass", "operator": "In", "values": values}]
            },
        },
        opts=inside,
    )


def _only(vc: str) -> dict[str, Any]:
    return {"match_labels": {"kubernetes.io/metadata.name": vc}}


def _capped(args: CapsArgs) -> dict[str, str]:
    return {"name": "capped", "expression": f"{_USER} in {json.dumps(sorted(args.caps))}"}


def _writes_the_class(args: CapsArgs) -> dict[str, Any]:
    """A capped member asks for the platform's class, or for none, and gets their own."""
    own = {
        user: ({"": classes[DEFAULT]} if DEFAULT in classes else {}) | classes for user, classes in args.classes.items()
    }
    path = (
        "object.kind == 'Pod' ? '/spec' : object.kind == 'CronJob' ? '/spec/jobTemplate/spec/template/spec' : "
        "'/spec/template/spec'"
    )
    patch = "[JSONPatch{op: 'add', path: variables.path + '/priorityClassName', value: variables.own.value()}]"
    return {
        "failure_policy": "Fail",
        # What another policy or webhook adds afterwards is looked at again.
        "reinvocation_policy": "IfNeeded",
        "match_constraints": {
            "resource_rules": [
                # The class of a pod that is there cannot be changed.
                *rules("CREATE", pods=("pods",)),
                *({**rule, "operations": ["UPDATE"]} for rule in rules("UPDATE", pods=())),
            ]
        },
        "match_conditions": [_capped(args)],
        "variables": [
            SPEC,
            _CLASS,
            {"name": "path", "expression": path},
            {"name": "own", "expression": f"{json.dumps(own, sort_keys=True)}[{_USER}][?variables.chosen]"},
        ],
        "mutations": [
            {"patch_type": "JSONPatch", "json_patch": {"expression": f"variables.own.hasValue() ? {patch} : []"}}
        ],
    }


def _keeps_together(args: CapsArgs) -> AdmissionPolicyArgs:
    """A capped member runs their own classes only, and nobody else does."""
    own = {user: sorted(classes.values()) for user, classes in args.classes.items()}
    everyones = sorted(name for names in own.values() for name in names)
    mine = f"{json.dumps(own, sort_keys=True)}[?{_USER}].orValue([])"
    return AdmissionPolicyArgs(
        rules=[
            *rules("CREATE", pods=("pods",)),
            *({**rule, "operations": ["UPDATE"]} for rule in rules("UPDATE", pods=())),
        ],
        # Controllers make pods from templates that were judged.
        match_conditions=[
            {"name": "person", "expression": f"!{_USER}.startsWith('system:serviceaccount:kube-system:')"}
        ],
        namespaces=_only(args.vc),
        variables=[
            SPEC,
            _CLASS,
            _BEFORE,
            {"name": "mine", "expression": mine},
            {"name": "counted", "expression": f"variables.chosen in {json.dumps(everyones)}"},
        ],
        validations=[
            {
                "expression": "variables.mine.size() == 0 || variables.chosen in variables.mine",
                "message_expression": f"{_USER} + ' has a cap in this VC, and the priority class ' + variables.chosen"
                " + ' is not counted for it: name one of ' + variables.mine.join(', ')",
            },
            {
                "expression": "!variables.counted || variables.chosen in variables.mine"
                " || (variables.mine.size() == 0 && variables.chosen == variables.before)",
                "message_expression": "'the priority class ' + variables.chosen + ' is another member\\'s own'",
            },
        ],
    )


def _no_scaling(args: CapsArgs) -> AdmissionPolicyArgs:
    """A request to scale does not say whose class the pods have."""
    return AdmissionPolicyArgs(
        rules=[
            {
                "api_groups": ["apps"],
                "api_versions": ["v1"],
                "operations": ["UPDATE"],
                "resources": ["deployments/scale", "replicasets/scale", "statefulsets/scale"],
            }
        ],
        match_conditions=[_capped(args)],
        namespaces=_only(args.vc),
        validations=[
            {"expression": "false", "message": "members with a cap change `replicas` in the object, not by scaling it"}
        ],
    )
