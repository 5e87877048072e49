"""Objects in manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from amalgam.errors import AmalgamError

_REMEDY = "correct the manifest: every document is an object with apiVersion, kind and metadata.name"


def objects_in(text: str, namespace: str = "") -> list[dict[str, Any]]:
    """The objects of a manifest, those of lists one by one.

    Args:
        text: YAML documents.
        namespace: for objects that name none; empty to leave them as they are.

    Raises:
        AmalgamError: it is no YAML, or has something else in it.
    """
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise AmalgamError(f"no YAML: {error}", where="manifest", remedy=_REMEDY) from error
    found = list(flat(documents))
    if namespace:
        for entry in found:
            entry.setdefault("metadata", {}).setdefault("namespace", namespace)
    return found


def flat(documents: list[Any]) -> Iterator[dict[str, Any]]:
    """Objects, with lists taken apart and empty documents left out.

    Raises:
        AmalgamError: something is no Kubernetes object.
    """
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or not document.get("apiVersion") or not document.get("kind"):
            raise AmalgamError("not a Kubernetes object", where=f"manifest: {str(document)[:80]}", remedy=_REMEDY)
        if document["kind"].endswith("List") and isinstance(document.get("items"), list):
            yield from flat(document["items"])
        else:
            yield document


class _Loader(yaml.SafeLoader):
    """Dates stay text, and keys are text, as in JSON."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Numbers and truth values as keys are spelled as JSON spells them."""
        found = super().construct_mapping(node, deep)
        return {key if isinstance(key, str) else json.dumps(key): value for key, value in found.items()}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
