"""The object that is sent to the API server, and what of its answer is kept."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from amalgam_pulumi.provider.values import Path, plain, secret_paths, with_secrets

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What the server counts and notes by itself: no difference that anybody made.
NOTED_BY_SERVER: frozenset[Path] = frozenset(
    {
        ("status",),
        ("metadata", "managedFields"),
        ("metadata", "resourceVersion"),
        ("metadata", "generation"),
        ("metadata", "creationTimestamp"),
        ("metadata", "deletionTimestamp"),
        ("metadata", "deletionGracePeriodSeconds"),
        ("metadata", "selfLink"),
        ("metadata", "uid"),
    }
)


def is_secret(body: dict[str, Any]) -> bool:
    """Whether an object is a Secret of the core group."""
    return body.get("apiVersion") == "v1" and body.get("kind") == "Secret"


def body_of(inputs: dict[str, Any]) -> dict[str, Any]:
    """The object to apply.

    ``stringData`` of a Secret goes as ``data``: nobody owns the fields that the server makes of it, so a key that
    leaves the program would stay on the server.
    """
    body: dict[str, Any] = plain(inputs)
    if is_secret(body) and "stringData" in body:
        text = body.pop("stringData") or {}
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
        body["data"] = (body.get("data") or {}) | encoded
    return body


def decoded(value: str) -> str:
    """A Secret's value as ``stringData`` has it; as it is where it is no text."""
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value


def outputs_of(live: dict[str, Any], inputs: dict[str, Any], manager: str) -> dict[str, Any]:
    """What the engine keeps of an object: secret is what came as secret, and what a Secret holds.

    ``__fieldManager`` and ``__initialApiVersion`` are where pulumi-kubernetes keeps the same, so a stack can move.
    """
    kept = stripped(live, {("metadata", "managedFields")})
    if inputs.get("stringData"):
        kept["stringData"] = plain(inputs["stringData"])
    paths = set(secret_paths(inputs))
    if is_secret(live):
        paths |= {("data",), ("stringData",), ("metadata", "annotations", LAST_APPLIED)}
    return with_secrets(kept, paths) | {
        "__fieldManager": manager,
        "__initialApiVersion": plain(inputs.get("apiVersion", live["apiVersion"])),
    }


def inputs_of(live: dict[str, Any]) -> dict[str, Any]:
    """What a program would say to make an object as it is: for an import, where there are no inputs yet."""
    kept = stripped(live, NOTED_BY_SERVER)
    metadata = kept.get("metadata", {})
    notes = {key: text for key, text in metadata.get("annotations", {}).items() if key != LAST_APPLIED}
    kept["metadata"] = {key: value for key, value in metadata.items() if key != "annotations"}
    if notes:
        kept["metadata"]["annotations"] = notes
    return with_secrets(kept, {("data",)} if is_secret(live) else set())


def stripped(live: dict[str, Any], paths: frozenset[Path] | set[Path]) -> dict[str, Any]:
    """``live`` without ``paths``, each of one or two parts."""
    kept = {key: value for key, value in live.items() if (key,) not in paths}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if ("metadata", key) not in paths}
    return kept
