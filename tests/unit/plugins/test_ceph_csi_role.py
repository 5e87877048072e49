"""The role ``ceph_csi`` as far as it goes without a cluster: what it refuses, and what it would tell the API."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from amalgam.ceph_keys import ceph_key
from tests.fixtures.ceph_csi import CRDS, DIGEST, IMAGES, ROLE, SECRET, role_tasks, role_variables
from tests.unit.plugins.conftest import Played

Object = dict[str, Any]


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, Any]:
    """A site with two classes; the other provisioner would be in the test's folder."""
    return role_variables(tmp_path)


@pytest.fixture
def preflight(play: Callable[..., Played], variables: dict[str, Any]) -> Callable[..., Played]:
    """Run the role's preflight on this machine."""

    def run(*options: str, **changed: object) -> Played:
        tasks = [{"ansible.builtin.import_tasks": str(ROLE / "tasks" / "preflight.yml")}]
        return play(tasks, *options, vars=variables | changed, gather_facts=False)

    return run


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_site_without_the_other_provisioner_is_taken(preflight: Callable, options: tuple[str, ...]) -> None:
    run = preflight(*options)

    assert (run.rc, run.changed) == (0, 0), run.output


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_volumes_of_the_other_provisioner_are_not_taken_over(
    tmp_path: Path, preflight: Callable, options: tuple[str, ...]
) -> None:
    (tmp_path / "shared-volumes.yaml").touch()

    run = preflight(*options)

    said = " ".join(run.output.split())
    assert (run.rc, run.changed) == (2, 0)
    assert "ceph-csi does not take them over. Nothing was changed" in said
    assert f"kubectl delete -f {tmp_path}/shared-volumes.yaml" in said


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"path": "/not/there"}], ids=["altered", "missing"])
def test_definitions_that_are_not_what_was_meant_are_refused(
    preflight: Callable, variables: dict[str, Any], change: dict[str, str]
) -> None:
    run = preflight(ceph_csi_snapshot_crds=variables["ceph_csi_snapshot_crds"] | change)

    assert (run.rc, run.changed) == (2, 0)
    assert "carry the file over again, or mend the checksum" in " ".join(run.output.split())


@pytest.fixture
def manifests(tmp_path: Path, play: Callable[..., Played], variables: dict[str, Any]) -> Path:
    """The folder that the role's own task writes."""
    (tmp_path / "root").mkdir()
    run = play(role_tasks(tmp_path / "root"), vars=variables, gather_facts=False)
    assert run.rc == 0, run.output
    return tmp_path / "root/etc/amalgam/manifests/ceph-csi"


@pytest.fixture
def objects(manifests: Path) -> list[Object]:
    """All that the API would be told."""
    files = sorted(manifests.glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


def named(objects: list[Object], kind: str) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects: list[Object]) -> dict[str, Object]:
    return {
        name: one["spec"]["template"]["spec"]
        for kind in ("Deployment", "DaemonSet")
        for name, one in named(objects, kind).items()
    }


def test_keys_are_readable_for_root_alone_and_the_definitions_are_the_sites(manifests: Path) -> None:
    assert (manifests / "keys.yaml").stat().st_mode & 0o777 == 0o600
    assert (manifests / "00-snapshot-crds.yaml").read_text() == CRDS
    others = [file for file in manifests.iterdir() if file.name != "keys.yaml"]
    key = base64.b64encode(ceph_key(SECRET, "client.vision").encode()).decode()
    assert key in (manifests / "keys.yaml").read_text()
    assert [file.name for file in others if key in file.read_text() or SECRET in file.read_text()] == []


def test_a_class_has_a_group_a_namespace_and_keys_of_its_own(objects: list[Object]) -> None:
    config = json.loads(named(objects, "ConfigMap")["ceph-csi-config"]["data"]["config.json"])
    clusters = {one["clusterID"]: one for one in config}
    classes, secrets = named(objects, "StorageClass"), named(objects, "Secret")
    assert classes.keys() == {"shared", "fast"}
    assert len(clusters) == 2
    for name, group in (("shared", "volumes"), ("fast", "vision")):
        parameters = classes[name]["parameters"]
        # More than 36 bytes ceph-csi does not take.
        assert len(parameters["clusterID"]) <= 36
        cluster = clusters[parameters["clusterID"]]
        assert cluster["monitors"] == ["192.0.2.31:3300", "192.0.2.32:3300", "192.0.2.33:3300"]
        assert cluster["cephFS"] == {
            "subvolumeGroup": group,
            "radosNamespace": group,
            "kernelMountOptions": "ms_mode=secure",
        }
        assert parameters["csi.storage.k8s.io/node-stage-secret-name"] == group
        assert parameters["csi.storage.k8s.io/provisioner-secret-name"] == f"manager.{group}"
        assert parameters["csi.storage.k8s.io/controller-expand-secret-name"] == f"manager.{group}"
        for client in (group, f"manager.{group}"):
            data = {key: base64.b64decode(value).decode() for key, value in secrets[client]["data"].items()}
            expected = ceph_key(SECRET, f"client.{client}")
            assert data == {"userID": client, "userKey": expected, "adminID": client, "adminKey": expected}


def test_one_class_is_the_default_one_keeps_volumes_and_each_has_snapshots_by_its_name(objects: list[Object]) -> None:
    default = "storageclass.kubernetes.io/is-default-class"
    classes, snapshots = named(objects, "StorageClass"), named(objects, "VolumeSnapshotClass")
    assert {name: one["metadata"]["annotations"][default] for name, one in classes.items()} == {
        "shared": "true",
        "fast": "false",
    }
    assert {name: one["parameters"]["clusterID"] for name, one in snapshots.items()} == {
        name: one["parameters"]["clusterID"] for name, one in classes.items()
    }
    assert {name: one["reclaimPolicy"] for name, one in classes.items()} == {"shared": "Delete", "fast": "Retain"}
    for one in snapshots.values():
        assert one["parameters"]["csi.storage.k8s.io/snapshotter-secret-name"].startswith("manager.")


def test_every_image_is_the_sites_own(objects: list[Object]) -> None:
    images = {container["image"] for pod in pods(objects).values() for container in pod["containers"]}
    assert images == {f"mirror.example.internal/{name}@{DIGEST}" for name in IMAGES}


def test_secrets_are_read_on_the_control_plane_alone_and_the_managers_only(objects: list[Object]) -> None:
    readers = [
        (one["kind"], one["metadata"]["name"], rule.get("resourceNames"))
        for one in objects
        for rule in one.get("rules") or []
        if "secrets" in rule["resources"]
    ]
    assert readers == [("Role", "controller", ["manager.volumes", "manager.vision"])]
    assert named(objects, "Role")["controller"]["metadata"]["namespace"] == "ceph-csi"
    assert "node-role.kubernetes.io/control-plane" in pods(objects)["controller"]["nodeSelector"]
    assert named(objects, "ClusterRole")["ceph-csi-node"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    ]


def test_only_what_mounts_is_privileged(objects: list[Object]) -> None:
    privileged = [
        (pod, container["name"])
        for pod, spec in pods(objects).items()
        for container in spec["containers"]
        if container["securityContext"].get("privileged")
    ]
    assert privileged == [("node", "driver")]
    for spec in pods(objects).values():
        for container in spec["containers"]:
            rights = container["securityContext"]
            assert rights.get("privileged") or rights["capabilities"] == {"drop": ["ALL"]}


def test_all_of_it_is_in_the_namespace_or_in_none(objects: list[Object]) -> None:
    assert {one["metadata"]["namespace"] for one in objects if "namespace" in one.get("metadata", {})} == {"ceph-csi"}
    for pod in pods(objects).values():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        mounted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", [])}
        assert mounted == volumes
