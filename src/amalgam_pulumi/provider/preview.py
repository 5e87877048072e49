"""Outputs of a preview: the dry run's, but for what only the real run can tell."""

from __future__ import annotations

from typing import Any

from amalgam_pulumi.provider.api import Object
from amalgam_pulumi.provider.body import NOTED_BY_SERVER
from amalgam_pulumi.provider.paths import MISSING, put, value_at
from amalgam_pulumi.provider.values import UNKNOWN, Path

# What the server picks from a pool, of kinds in the core: a dry run picks something else.
_ALLOCATED: tuple[Path, ...] = (
    ("spec", "clusterIP"),
    ("spec", "clusterIPs"),
    ("spec", "healthCheckNodePort"),
    ("spec", "volumeName"),
    ("spec", "nodeName"),
)


def previewed(then: Object, inputs: Object) -> Object:
    """The object that a dry run of its creation gave, with ``UNKNOWN`` where the real one will differ."""
    result: Any = then | {"status": UNKNOWN}
    for path in (*NOTED_BY_SERVER, *_ALLOCATED):
        if value_at(result, path) is not MISSING and value_at(inputs, path) is MISSING:
            result = put(result, path, UNKNOWN)
    ports = (then.get("spec") or {}).get("ports")
    if isinstance(ports, list) and any(isinstance(port, dict) and "nodePort" in port for port in ports):
        result = put(result, ("spec", "ports"), UNKNOWN)
    outputs: Object = result
    return outputs
