"""A resource's inputs as the plugin keeps them: typed, named and in a namespace."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.api import Kind
from amalgam_pulumi.provider.steering import AUTONAMED
from amalgam_pulumi.provider.tokens import Type
from amalgam_pulumi.provider.values import Secret, Unknown, plain

_SUFFIX_LENGTH = 8
_LONGEST_NAME = 253


class Naming(NamedTuple):
    """What to call an object that its author gave no name.

    Args:
        base: the resource's name in the program.
        seed: random bytes from the engine, the same when the same update is tried again.
        proposed: a name from the stack's own autonaming settings, or empty.
        disabled: those settings want every name written down.
    """

    base: str
    seed: bytes
    proposed: str = ""
    disabled: bool = False


def checked(
    inputs: dict[str, Any], old: dict[str, Any], wanted: Type, kind: Kind | None, namespace: str, naming: Naming
) -> dict[str, Any]:
    """``inputs`` with type, name and namespace filled in.

    Args:
        inputs: as the program gave them, with secrets and unknown values.
        old: the same resource's inputs of last time; its generated name is kept. Empty for a new one.
        wanted: what the token says that it is.
        kind: what the API server says of that, or None where it does not know it yet.
        namespace: for a namespaced object that names none.
        naming: for an object without a name.

    Raises:
        AmalgamError: metadata that cannot be used.
    """
    result = {"apiVersion": wanted.api_version, "kind": wanted.kind} | {
        key: value for key, value in inputs.items() if key not in ("apiVersion", "kind", "status")
    }
    metadata = inputs.get("metadata", {})
    metadata = metadata.value if isinstance(metadata, Secret) else metadata
    if isinstance(metadata, Unknown):
        return result
    if not isinstance(metadata, dict):
        raise AmalgamError("is no object", where="metadata", remedy="give metadata as a dictionary")
    if "generateName" in metadata:
        remedy = "leave both out, and the name is the resource's with a random suffix; or give metadata.name"
        raise AmalgamError("server-side apply wants a full name", where="metadata.generateName", remedy=remedy)
    metadata = dict(metadata)
    if not metadata.get("name"):
        _name(metadata, old, naming)
    if kind and kind.namespaced and not metadata.get("namespace"):
        metadata["namespace"] = namespace
    if kind and not kind.namespaced and metadata.get("namespace"):
        raise AmalgamError(f"{kind.kind} has none", where="metadata.namespace", remedy="leave it out")
    return result | {"metadata": metadata}


def _name(metadata: dict[str, Any], old: dict[str, Any], naming: Naming) -> None:
    before = plain(old.get("metadata", {}))
    if (before.get("annotations") or {}).get(AUTONAMED) == "true":
        name = before["name"]
    elif naming.disabled:
        raise AmalgamError(
            "autonaming is switched off for this stack", where="metadata.name", remedy="give the resource a name"
        )
    else:
        suffix = hashlib.sha256(naming.seed).hexdigest()[:_SUFFIX_LENGTH]
        name = naming.proposed or f"{naming.base[: _LONGEST_NAME - _SUFFIX_LENGTH - 1]}-{suffix}".lower()
    metadata["name"] = name
    given = metadata.get("annotations")
    metadata["annotations"] = {AUTONAMED: "true"} | (given if isinstance(given, dict) else {})


def is_autonamed(inputs: dict[str, Any]) -> bool:
    """Whether the plugin gave the object its name, so that another one can stand beside it."""
    return bool((plain(inputs.get("metadata", {})).get("annotations") or {}).get(AUTONAMED) == "true")
