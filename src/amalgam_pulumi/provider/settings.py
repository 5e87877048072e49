"""The provider's own settings: ``pulumi config set kubernetes:…``, or arguments of ``kubernetes.Provider``."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider.values import plain

# Setting -> the only value that is understood: others would be silently something else here.
_FIXED = {
    "alwaysRender": "false",
    "deleteUnreachable": "false",
    "enableServerSideApply": "true",
    "skipUpdateUnreachable": "false",
}
_REFUSED = ("cluster", "renderYamlToDirectory")


class Settings(NamedTuple):
    """What is understood of them."""

    kubeconfig: str
    context: str
    namespace: str
    force: bool
    upsert: bool


def settings_of(values: dict[str, Any]) -> Settings:
    """Read the provider's settings; each value is text, or JSON in text.

    Raises:
        AmalgamError: one of them is not served.
    """
    values = plain(values)
    for name, only in _FIXED.items():
        if str(values.get(name, only)).lower() != only:
            raise _refused(name)
    for name in _REFUSED:
        if values.get(name):
            raise _refused(name)
    return Settings(
        kubeconfig=str(values.get("kubeconfig", "")),
        context=str(values.get("context", "")),
        namespace=str(values.get("namespace", "")),
        force=_flag(values, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert=_flag(values, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    )


def _flag(values: dict[str, Any], name: str, variable: str) -> bool:
    return str(values.get(name) or os.environ.get(variable, "")).lower() == "true"


def _refused(name: str) -> AmalgamError:
    return AmalgamError(
        "not served by this stand-in for the Kubernetes plugin", where=f"kubernetes:{name}", remedy="leave it out"
    )
