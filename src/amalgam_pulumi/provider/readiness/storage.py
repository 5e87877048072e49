"""PersistentVolumeClaim."""

from __future__ import annotations

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.readiness.verdict import READY, Look, Verdict, failed, waiting


def claim_ready(live: Object, look: Look) -> Verdict:
    """Bound; or its class waits for the first pod to use it."""
    phase = live.get("status", {}).get("phase", "Pending")
    if phase == "Lost":
        return failed("its volume is lost")
    if phase == "Bound" or _waits_for_a_pod(live, look):
        return READY
    return waiting("not bound to a volume yet")


def _waits_for_a_pod(live: Object, look: Look) -> bool:
    name = live["spec"].get("storageClassName")
    classes = look("storage.k8s.io/v1", "StorageClass", "", "")
    found = next((entry for entry in classes if entry["metadata"]["name"] == name), {})
    return bool(found.get("volumeBindingMode") == "WaitForFirstConsumer")
