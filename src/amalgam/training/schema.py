"""Objects held against the models of the official client, which are made from the API's own description."""

from __future__ import annotations

import re
from typing import Any

from kubernetes import client

from amalgam.errors import AmalgamError

Object = dict[str, Any]
"""As the API describes it (https://kubernetes.io/docs/reference/kubernetes-api/)."""

_REMEDY = "this is a fault of the template of this framework"
_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
_CONTAINER = re.compile(r"(?:[Ll]ist\[(?P<item>.+)\]|[Dd]ict[(\[]str, (?P<value>.+)[)\]])")


def check(described: Object) -> None:
    """Check names and types of all fields, and that no required one is missing.

    Raises:
        AmalgamError: the API's models have no such field, another type, or want more.
    """
    kind, version = described.get("kind"), described.get("apiVersion", "")
    where = f"{kind} {described.get('metadata', {}).get('name')}"
    # `batch/v1` is V1 to the client, `scheduling.k8s.io/v1beta1` V1beta1.
    model = f"{version.rpartition('/')[2].capitalize()}{kind}"
    if not hasattr(client, model):
        raise AmalgamError(f"the API has no {kind} in {version}", where=where, remedy=_REMEDY)
    _build(described, model, where)


def _build(value: object, kind: str, path: str) -> object:
    if kind == "object":
        return value
    container = _CONTAINER.fullmatch(kind)
    if container is not None:
        return _build_container(value, container, path)
    if kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise AmalgamError(f"{path}: must be {kind}, not {type(value).__name__}", remedy=_REMEDY)
        return value
    return _build_model(value, kind, path)


def _build_container(value: object, container: re.Match[str], path: str) -> object:
    if container["item"] is not None and isinstance(value, list):
        return [_build(item, container["item"], f"{path}[{index}]") for index, item in enumerate(value)]
    if container["value"] is not None and isinstance(value, dict):
        return {key: _build(item, container["value"], f"{path}.{key}") for key, item in value.items()}
    raise AmalgamError(f"{path}: must be a {container[0]}", remedy=_REMEDY)


def _build_model(value: object, kind: str, path: str) -> object:
    model: Any = getattr(client, kind)
    if not isinstance(value, dict):
        raise AmalgamError(f"{path}: must be a mapping", remedy=_REMEDY)
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    unknown = sorted(set(value) - set(names))
    if unknown:
        raise AmalgamError(f"{path}: the API knows no {', '.join(unknown)}", remedy=_REMEDY)
    fields = {names[key]: _build(item, model.openapi_types[names[key]], f"{path}.{key}") for key, item in value.items()}
    try:
        made: object = model(**fields)
    except ValueError as error:
        raise AmalgamError(f"{path}: {error}", remedy=_REMEDY) from error
    return made
