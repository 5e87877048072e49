"""The engine's type names, and those that are refused.

A token is ``kubernetes:MODULE:KIND``. MODULE is an API version, but for the core group, which is spelled ``core/v1``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amalgam.errors import AmalgamError

YAML_COMPONENTS = frozenset({"kubernetes:yaml/v2:ConfigGroup", "kubernetes:yaml/v2:ConfigFile"})
YAML_DECODE = "kubernetes:yaml:decode"

_OFFICIAL = "or use the official plugin, where its download can be had"
_REMEDIES = {
    "helm.sh": f"render the chart (`helm template`) and declare its objects with yaml.v2.ConfigGroup; {_OFFICIAL}",
    "helm": f"render the chart (`helm template`) and declare its objects with yaml.v2.ConfigGroup; {_OFFICIAL}",
    "kustomize": f"render it (`kubectl kustomize`) and declare its objects with yaml.v2.ConfigGroup; {_OFFICIAL}",
}


class Type(NamedTuple):
    """What a resource says it is."""

    api_version: str
    kind: str


def type_of(token: str, inputs: dict[str, Any]) -> Type:
    """The Kubernetes type that a token stands for.

    Args:
        token: the engine's type.
        inputs: properties (plain), empty where there are none; ``kind`` in them tells Patch resources from others.

    Raises:
        AmalgamError: the type is not served by this plugin.
    """
    module, kind = token.split(":")[1:]
    group = module.split("/")[0]
    if group in _REMEDIES:
        raise _refused(token, _REMEDIES[group])
    if kind == f"{inputs.get('kind')}Patch" or (not inputs and kind.endswith("Patch")):
        whole = kind.removesuffix("Patch")
        remedy = f"declare the whole object as {whole}, importing it first where it exists (opts.import_); {_OFFICIAL}"
        raise _refused(token, remedy)
    if "items" in inputs and kind.endswith("List"):
        raise _refused(token, "declare each item as a resource, or give the list to yaml.v2.ConfigGroup")
    return Type(module.removeprefix("core/") if group == "core" else module, kind)


def refuse_function(token: str) -> AmalgamError:
    """The refusal of a function (``Invoke``) or component (``Construct``) that is not served."""
    group = token.split(":")[1].split("/")[0]
    return _refused(token, _REMEDIES.get(group, _OFFICIAL.removeprefix("or ")))


def _refused(token: str, remedy: str) -> AmalgamError:
    return AmalgamError("not served by this stand-in for the Kubernetes plugin", where=token, remedy=remedy)
