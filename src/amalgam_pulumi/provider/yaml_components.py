"""``yaml.v2.ConfigGroup`` and ``ConfigFile``: components whose children are the objects of manifests."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.steering import SKIP_AWAIT
from amalgam_pulumi.provider.yaml_objects import flat, objects_in

# Others may live in the one or be of a kind that the other defines.
_FIRST = ("Namespace", "CustomResourceDefinition")


class YamlComponents(Provider):
    """Makes the two components, inside this plugin's process."""

    def construct(self, name: str, resource_type: str, inputs: Any, options: Any = None) -> ConstructResult:
        """Register the component and, as soon as its inputs are known, its children."""
        component = pulumi.ComponentResource(resource_type, name, None, options)
        before = options.depends_on if options else None
        children = pulumi.Output.all(**inputs).apply(lambda known: self._children(component, name, known, before))
        component.register_outputs({"resources": children})
        return ConstructResult(component.urn, {"resources": children})

    def _children(self, component: Any, name: str, known: dict[str, Any], before: Any) -> list[Any]:
        prefix = known.get("resourcePrefix") or name
        made: list[Any] = []
        first: list[Any] = []
        for entry in sorted(_objects(known), key=lambda entry: entry["kind"] not in _FIRST):
            if known.get("skipAwait"):
                metadata = entry.setdefault("metadata", {})
                metadata["annotations"] = {SKIP_AWAIT: "true"} | metadata.get("annotations", {})
            wait = [*(before or []), *([] if entry["kind"] in _FIRST else first)]
            options = pulumi.ResourceOptions(parent=component, version=self.version, depends_on=wait)
            child = pulumi.CustomResource(_token(entry), f"{prefix}:{_label(entry)}", _settable(entry), options)
            made.append(child)
            if entry["kind"] in _FIRST:
                first.append(child)
        return made


def _objects(known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    patterns = [*(known.get("files") or []), *([known["file"]] if known.get("file") else [])]
    for pattern in patterns:
        files = sorted(glob.glob(pattern))  # noqa: PTH207 - a pattern may be absolute
        if not files:
            remedy = "give a path from the program's folder; nothing is downloaded"
            raise AmalgamError("no such file", where=pattern, remedy=remedy)
        for file in files:
            yield from objects_in(Path(file).read_text(encoding="utf-8"))
    if known.get("yaml"):
        yield from objects_in(known["yaml"])
    yield from flat(known.get("objs") or [])


def _token(entry: dict[str, Any]) -> str:
    version = entry["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{entry['kind']}"


def _label(entry: dict[str, Any]) -> str:
    metadata = entry.get("metadata") or {}
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata.get("name"))


def _settable(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "status"}
