"""What the cluster has of VCs now: their quotas, how much is used of them, and which claims they hold."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from amalgam.errors import AmalgamError
from amalgam.tenants import labels
from amalgam.tenants.hard import QUOTA, amounts_of
from amalgam.tenants.resources import Kind

_BUDGET_SECONDS = 15


@dataclass(frozen=True)
class LiveVc:
    """A namespace that was made for a VC."""

    name: str
    path: str
    """Names of organisation and groups around it, joined by slashes."""
    hard: dict[Kind, int]
    used: dict[Kind, int]
    claims: tuple[str, ...] = ()
    """Names of its PersistentVolumeClaims, sorted."""


def read_live() -> dict[str, LiveVc]:
    """VC → how it stands, by the kubeconfig that kubectl would use: three requests, whatever their number.

    Raises:
        AmalgamError: there is no kubeconfig, or the cluster does not answer.
    """
    # Takes half a second, and what only reads the site's files does without.
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    try:
        config.load_kube_config(os.environ.get("KUBECONFIG"))
        api = client.CoreV1Api()
        wanted: dict[str, Any] = {"_request_timeout": _BUDGET_SECONDS}
        namespaces: list[Any] = api.list_namespace(label_selector=labels.VC, **wanted).items
        quotas: list[Any] = api.list_resource_quota_for_all_namespaces(
            field_selector=f"metadata.name={QUOTA}", **wanted
        ).items
        claims: list[Any] = api.list_persistent_volume_claim_for_all_namespaces(**wanted).items
    except (config.ConfigException, client.ApiException, HTTPError, OSError) as error:
        remedy = "see that KUBECONFIG names a file that reaches the cluster, with the rights of an administrator"
        raise AmalgamError(
            f"the cluster cannot be asked: {_first_line(error)}", where="KUBECONFIG", remedy=remedy
        ) from error
    by_namespace = {quota.metadata.namespace: quota for quota in quotas}
    held = defaultdict(list)
    for claim in claims:
        held[claim.metadata.namespace].append(claim.metadata.name)
    return {
        name: LiveVc(
            name=name,
            path=(namespace.metadata.annotations or {}).get(labels.PATH, ""),
            hard=amounts_of(_part(by_namespace.get(name), "spec", "hard")),
            used=amounts_of(_part(by_namespace.get(name), "status", "used")),
            claims=tuple(sorted(held[name])),
        )
        for namespace in namespaces
        for name in [namespace.metadata.name]
    }


def _part(quota: Any, side: str, key: str) -> dict[str, str]:  # noqa: ANN401 - the client's own, without types
    return getattr(getattr(quota, side, None), key, None) or {}


def _first_line(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(reason).strip().splitlines()[0]
