"""A ValidatingAdmissionPolicy with its binding: what the API server refuses, and the reason that people read."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from amalgam_stacks.args import Args


class AdmissionPolicyArgs(Args):
    """What is refused where."""

    variables: list[Any] = Field(default_factory=list)
    """CEL, in the order in which they use each other."""
    validations: list[Any]
    """CEL that must be true, each with a message."""
    rules: list[Any]
    """The requests that are looked at."""
    match_conditions: list[Any] = Field(default_factory=list)
    namespaces: Any
    """Selector of the namespaces that it holds in."""


class AdmissionPolicy(pulumi.ComponentResource):
    """One policy; it fails closed, and denies."""

    def __init__(self, name: str, args: AdmissionPolicyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the policy and its binding, both named ``name``."""
        super().__init__("amalgam:platform:AdmissionPolicy", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        policy = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
            name,
            metadata={"name": name},
            spec={
                "failure_policy": "Fail",
                "match_constraints": {"resource_rules": args.rules},
                "match_conditions": args.match_conditions,
                "variables": args.variables,
                "validations": args.validations,
            },
            opts=inside,
        )
        k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            name,
            metadata={"name": name},
            spec={
                "policy_name": policy.metadata.name,
                "validation_actions": ["Deny"],
                "match_resources": {"namespace_selector": args.namespaces},
            },
            opts=inside,
        )
        self.register_outputs({"policy": policy.metadata.name})


def outside(namespaces: tuple[str, ...]) -> dict[str, Any]:
    """Selector of every namespace but these."""
    key = "kubernetes.io/metadata.name"
    return {"match_expressions": [{"key": key, "operator": "NotIn", "values": list(namespaces)}]}
