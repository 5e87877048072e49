"""Small trees of tenants for tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter

from amalgam.models.tenants import Group, Tenants

GPU = "nvidia.com/gpu"


def vc(name: str, gpus: int, **more: Any) -> dict[str, Any]:
    """A VC as it is written in tenants.yml."""
    return {"name": name, "quota": {GPU: gpus}, **more}


def site(
    *vcs: dict[str, Any], gpus: int = 16, subvolumes: tuple[str, ...] = (), datasets: tuple[str, ...] = (), **group: Any
) -> Any:
    """A site with one organisation, one group in it, and VCs in that; ``datasets`` names VCs that have some."""
    inner = {"name": "research", "quota": {GPU: gpus}, "vcs": list(vcs), **group}
    data = {"name": "institute", "quota": {GPU: gpus}, "members": {"olga": "viewer"}, "groups": [inner]}
    return organisation(data, subvolumes=subvolumes, datasets=datasets)


def organisation(data: dict[str, Any], *, subvolumes: tuple[str, ...] = (), datasets: tuple[str, ...] = ()) -> Any:
    """A site with one organisation, as it is written in tenants.yml."""
    tenants = Tenants(organisations=TypeAdapter(list[Group]).validate_python([data]))
    parts = tuple(SimpleNamespace(name=name, storage_class=name) for name in subvolumes)
    named = {
        "settings": SimpleNamespace(site_name="test"),
        "datasets": tuple(SimpleNamespace(vc=vc) for vc in datasets),
    }
    return SimpleNamespace(tenants=tenants, subvolumes=parts, **named)
