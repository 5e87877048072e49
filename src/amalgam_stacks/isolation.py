"""The walls of a VC in the network: within it all is open, and out or in only name look-ups and what it lists."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from amalgam.models.tenants import Flow
from amalgam_stacks.args import Args

_NAMESPACE = "kubernetes.io/metadata.name"
_DNS = {
    "to": [
        {
            "namespace_selector": {"match_labels": {_NAMESPACE: "kube-system"}},
            "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


class IsolationArgs(Args):
    """What is let through."""

    vc: str
    flows: tuple[Flow, ...]


class Isolation(pulumi.ComponentResource):
    """One NetworkPolicy, for every pod of the VC."""

    def __init__(self, name: str, args: IsolationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it."""
        super().__init__("amalgam:tenants:Isolation", name, None, opts)
        within: Any = {"pod_selector": {}}
        ingress: list[Any] = [{"from_": [within]}, *_flows(args.flows, "from")]
        egress: list[Any] = [{"to": [within]}, _DNS, *_flows(args.flows, "to")]
        k8s.networking.v1.NetworkPolicy(
            f"{name}-isolation",
            metadata={"name": "isolation", "namespace": args.vc},
            spec={
                "pod_selector": {},
                "policy_types": ["Ingress", "Egress"],
                "ingress": ingress,
                "egress": egress,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _flows(flows: tuple[Flow, ...], direction: str) -> list[dict[str, Any]]:
    return [
        {
            "from_" if direction == "from" else "to": [_peer(flow)],
            "ports": [{"port": port, "protocol": flow.protocol} for port in flow.ports],
        }
        for flow in flows
        if flow.direction == direction
    ]


def _peer(flow: Flow) -> dict[str, Any]:
    if flow.cidr is not None:
        return {"ip_block": {"cidr": str(flow.cidr)}}
    return {"namespace_selector": {"match_labels": {_NAMESPACE: flow.vc or flow.namespace}}}
