"""Filters ``dataset_accounts``, ``dataset_owner``, ``dataset_buckets``: a shim over :mod:`amalgam.datasets.policy`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from amalgam.datasets import policy
from amalgam.models.datasets import VcDatasets


def _vcs(data: list[dict[str, Any]]) -> list[VcDatasets]:
    # Ansible renders what is inside a list when Python asks for it, which the models' own reader does not.
    plain = [{**one, "readers": [str(reader) for reader in one.get("readers", [])]} for one in data]
    return [VcDatasets.model_validate(one, strict=False) for one in plain]


def dataset_accounts(data: list[dict[str, Any]], secret: str) -> list[dict[str, Any]]:
    """The accounts of the VCs in ``data``."""
    return [asdict(one) for one in policy.accounts(_vcs(data), secret)]


def dataset_owner(secret: str) -> dict[str, Any]:
    """The account that owns the buckets."""
    return asdict(policy.owner_account(secret))


def dataset_buckets(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The buckets of the VCs in ``data``."""
    return [asdict(one) for one in policy.buckets(_vcs(data))]


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function: ``ceph_rgw_datasets | dataset_accounts(secret)`` and so on."""
        return {
            "dataset_accounts": dataset_accounts,
            "dataset_owner": dataset_owner,
            "dataset_buckets": dataset_buckets,
        }
