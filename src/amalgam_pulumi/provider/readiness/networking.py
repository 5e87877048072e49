"""Service."""

from __future__ import annotations

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.verdict import READY, Look, Verdict, waiting


def service_ready(live: Object, look: Look) -> Verdict:
    """A pod answers behind it, where it selects pods; and a load balancer has an address."""
    spec = live["spec"]
    if spec.get("type") == "LoadBalancer" and not live.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return waiting("the load balancer has no address yet")
    if spec.get("type") == "ExternalName" or not spec.get("selector"):
        return READY
    metadata = live["metadata"]
    slices = look(
        "discovery.k8s.io/v1", "EndpointSlice", metadata["namespace"], f"kubernetes.io/service-name={metadata['name']}"
    )
    endpoints = [endpoint for entry in slices for endpoint in entry.get("endpoints") or []]
    # Where the condition is not set, the API says to take the endpoint for ready.
    if any((endpoint.get("conditions") or {}).get("ready") is not False for endpoint in endpoints):
        return READY
    # A headless service may exist for pods that come after it and look each other up.
    return READY if spec.get("clusterIP") == "None" else waiting("no ready pod behind it yet")
