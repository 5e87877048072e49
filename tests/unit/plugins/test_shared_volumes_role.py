"""What the role ``shared_volumes`` would tell the API of a site's classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from tests.unit.plugins.conftest import LAYERS, ROOT, Played

ROLE = ROOT / "roles" / "shared_volumes"
MANIFEST = "etc/amalgam/manifests/shared-volumes.yaml"
PARTS = [
    {"name": "common", "size_gib": 1},
    {"name": "volumes", "size_gib": 1, "storage_class": "shared"},
    {"name": "vision", "size_gib": 1, "storage_class": "vision", "reclaim": "retain"},
    {"name": "nlp", "size_gib": 1, "storage_class": "nlp", "reclaim": "delete"},
]


def test_a_class_keeps_its_volumes_where_its_part_says_so(tmp_path: Path, play: Callable[..., Played]) -> None:
    names = ("site_volumes", "shared_volumes_classes", "shared_volumes_kept_classes")
    variables = {
        **yaml.safe_load((ROLE / "defaults/main.yml").read_text()),
        **{name: LAYERS[name] for name in names},
        "site_subvolumes": PARTS,
        "shared_volumes_image": "registry.example.internal/provisioner",
        "role_path": str(ROLE),
    }
    arguments = {"src": str(ROLE / "templates" / f"{MANIFEST}.j2"), "dest": str(tmp_path / "rendered")}
    run = play([{"ansible.builtin.template": arguments}], vars=variables, gather_facts=False)
    assert run.rc == 0, run.output

    objects = [one for one in yaml.safe_load_all((tmp_path / "rendered").read_text()) if one]
    classes = {one["metadata"]["name"]: one["reclaimPolicy"] for one in objects if one["kind"] == "StorageClass"}
    assert classes == {"shared": "Delete", "vision": "Retain", "nlp": "Delete"}
