"""Namespace and CustomResourceDefinition."""

from __future__ import annotations

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.verdict import READY, Look, Verdict, condition, failed, is_true, waiting


def namespace_ready(live: Object, look: Look) -> Verdict:  # noqa: ARG001
    """Active."""
    phase = live.get("status", {}).get("phase", "")
    return READY if phase == "Active" else waiting(f"the namespace is {phase or 'new'}")


def crd_ready(live: Object, look: Look) -> Verdict:  # noqa: ARG001
    """Its names are its own, and the API server serves them."""
    names = condition(live, "NamesAccepted")
    if names.get("status") == "False":
        return failed(f"names not accepted: {names.get('message', '')}")
    return READY if is_true(live, "Established") else waiting("not established yet")
