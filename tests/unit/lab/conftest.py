"""A small site with lab settings, and names of a lab that nobody has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from amalgam.lab.names import Names
from amalgam.lab.state import ForwardState, LabState, NodeState
from amalgam.models import Site, load_site

SETTINGS = {
    "site_name": "lab",
    "site_domain": "lab.amalgam.internal",
    "site_timezone": "Etc/UTC",
    "site_ntp_servers": [],
    "site_state_dir": "/nowhere/state",
    "network_node_cidr": "10.88.0.0/24",
    "network_pod_cidr": "10.244.0.0/16",
    "network_service_cidr": "10.96.0.0/16",
    "network_dns_domain": "cluster.local",
    "bundle_path": "/nowhere/bundle",
    "bundle_allowed_signers": "/nowhere/allowed_signers",
}

MakeSite = Callable[..., Site]


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path)


@pytest.fixture
def make_site(tmp_path: Path) -> MakeSite:
    def make(*, lab: dict | None, masters: int = 1, folder: str = "site", workers: dict | None = None) -> Site:
        gpus = workers or {"gpu1": {"ansible_host": "10.88.0.21", "accelerator": "nvidia"}}
        hosts = {
            "control_plane": {
                "hosts": {f"master{n}": {"ansible_host": f"10.88.0.{10 + n}"} for n in range(1, masters + 1)}
            },
            "workers": {"children": {"gpu_workers": {"hosts": gpus}}},
            "storage": {"hosts": {"stor1": {"ansible_host": "10.88.0.31"}}},
            "bundle_server": {"hosts": {"stor1": None}},
        }
        inventory = tmp_path / folder
        variables = inventory / "group_vars" / "all"
        variables.mkdir(parents=True, exist_ok=True)
        (inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
        (variables / "site.yml").write_text(yaml.safe_dump(SETTINGS if lab is None else {**SETTINGS, "lab": lab}))
        disks = [{"path": f"/srv/ceph/osd{number}", "size_gib": 20} for number in range(2)]
        (variables / "ceph.yml").write_text(yaml.safe_dump({"ceph_osds": disks}))
        (tmp_path / "roles").mkdir(exist_ok=True)
        return load_site(inventory, roles=tmp_path / "roles")

    return make


@pytest.fixture
def state(names: Names) -> LabState:
    node = NodeState(
        name="gpu1", role="gpu worker", architecture="amd64", address="10.88.0.21", loopback="127.9.9.21", rootfs="/r"
    )
    return LabState(
        lab=names.lab,
        inventory="/site",
        node_cidr="10.88.0.0/24",
        gateway="10.88.0.1",
        loopback_base="127.9.9",
        nodes={"gpu1": node},
        forwards=[
            ForwardState(
                name="SSH",
                node="gpu1",
                listen_address="127.9.9.21",
                listen_port=10022,
                address="10.88.0.21",
                port=22,
            )
        ],
    )
