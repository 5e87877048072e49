"""The annotations by which a program steers this plugin, as pulumi-kubernetes defines them."""

from __future__ import annotations

from typing import Any

from amalgam.errors import AmalgamError

AUTONAMED = "pulumi.com/autonamed"
PATCH_FORCE = "pulumi.com/patchForce"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

_PROPAGATION = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}
DEFAULT_TIMEOUT_S = 600.0


def notes(body: dict[str, Any]) -> dict[str, str]:
    """The annotations of an object."""
    return (body.get("metadata") or {}).get("annotations") or {}


def is_set(body: dict[str, Any], name: str) -> bool:
    """Whether a boolean annotation is true."""
    return str(notes(body).get(name, "")).lower() == "true"


def timeout_s(body: dict[str, Any], custom_s: float) -> float:
    """How long to wait for an object, in seconds: the resource's customTimeouts, its annotation, or ten minutes."""
    if custom_s:
        return custom_s
    text = notes(body).get(TIMEOUT_SECONDS, "")
    try:
        return float(text) if text else DEFAULT_TIMEOUT_S
    except ValueError as error:
        raise _wrong(TIMEOUT_SECONDS, text, "give a number of seconds") from error


def propagation(body: dict[str, Any]) -> str:
    """What deletion does with an object's dependents; Foreground (wait for them) unless asked otherwise."""
    text = notes(body).get(DELETION_PROPAGATION, "foreground")
    if text.lower() not in _PROPAGATION:
        raise _wrong(DELETION_PROPAGATION, text, f"use one of {', '.join(_PROPAGATION)}")
    return _PROPAGATION[text.lower()]


def _wrong(name: str, text: str, remedy: str) -> AmalgamError:
    return AmalgamError(f"{text!r} is no value for it", where=f"annotation {name}", remedy=remedy)
