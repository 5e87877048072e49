"""Amounts as the keys of a ResourceQuota, and back.

Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from amalgam.tenants.resources import KINDS, Amounts, Kind, quantity, rounded_up

QUOTA = "vc"
"""Name of a VC's ResourceQuota."""

KEYS: dict[Kind, tuple[str, ...]] = {
    "cpu": ("requests.cpu",),
    # What is requested can be had; what is only allowed is had at the cost of others on the node.
    "memory": ("requests.memory", "limits.memory"),
    "nvidia.com/gpu": ("requests.nvidia.com/gpu",),
    "huawei.com/Ascend910": ("requests.huawei.com/Ascend910",),
    "storage": ("requests.storage",),
    "pods": ("pods",),
}
# A port of every node, and an address of the site, are none of the amounts that are granted.
_NEVER = {"services.nodeports": "0", "services.loadbalancers": "0"}


def hard(amounts: Amounts) -> dict[str, str]:
    """``spec.hard`` for the kinds in ``amounts``."""
    return {key: quantity(kind, amount) for kind, amount in amounts.items() for key in KEYS[kind]}


def hard_of_vc(amounts: Amounts, storage_classes: Mapping[str, int], all_classes: Iterable[str]) -> dict[str, str]:
    """``spec.hard`` of a VC; of a class that it may not use, it has nothing.

    Args:
        amounts: its effective quota.
        storage_classes: StorageClass → bytes.
        all_classes: every StorageClass of the site.
    """
    classes = {
        f"{name}.storageclass.storage.k8s.io/requests.storage": quantity("storage", storage_classes.get(name, 0))
        for name in sorted({*all_classes, *storage_classes})
    }
    return hard(amounts) | classes | _NEVER


def amounts_of(quantities: Mapping[str, str]) -> dict[Kind, int]:
    """The amounts in ``status.used`` or ``spec.hard`` of a VC; of several keys of a kind, the larger one."""
    return {kind: max(rounded_up(kind, quantities.get(key, "0")) for key in KEYS[kind]) for kind in KINDS}
