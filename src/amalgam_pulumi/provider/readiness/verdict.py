"""What a rule about readiness is given and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amalgam_pulumi.provider.api import Object

# API version, kind, namespace, label selector -> objects.
Look = Callable[[str, str, str, str], list[Object]]


@dataclass(frozen=True)
class Verdict:
    """Ready or not; ``failed`` where waiting longer is no use. ``message`` says how far it is, for people."""

    ready: bool
    message: str = ""
    failed: bool = False


Rule = Callable[[Object, Look], Verdict]
READY = Verdict(True)


def waiting(message: str) -> Verdict:
    """Not yet."""
    return Verdict(False, message)


def failed(message: str) -> Verdict:
    """Never, as it stands."""
    return Verdict(False, message, failed=True)


def condition(live: Object, kind: str) -> Object:
    """A condition of the object's status; empty where it has none of that type."""
    found: list[Object] = (live.get("status") or {}).get("conditions") or []
    return next((entry for entry in found if entry["type"] == kind), {})


def is_true(live: Object, kind: str) -> bool:
    """Whether a condition holds."""
    return condition(live, kind).get("status") == "True"


def seen(live: Object) -> bool:
    """Whether the controller has seen the object as it is now."""
    observed = (live.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= live["metadata"].get("generation", 0))


def selector_of(labels: dict[str, str]) -> str:
    """A label selector as requests take it."""
    return ",".join(f"{key}={value}" for key, value in labels.items())
