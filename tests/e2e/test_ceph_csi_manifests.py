"""The API server takes what the role ``ceph_csi`` would tell it, as far as it knows the kinds, and keeps none of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab, run_local
from tests.fixtures.ceph_csi import role_tasks, role_variables

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All of them but those of snapshots, whose kinds a site brings."""
    folder = tmp_path_factory.mktemp("ceph-csi")
    (folder / "root").mkdir()
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": role_variables(folder),
        "tasks": role_tasks(folder / "root"),
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_VARS_ENABLED": "host_group_vars"}
    run_local([program("ansible-playbook"), "-i", "localhost,", str(folder / "play.yml")], env=settings)
    return "---\n".join(_of_kubernetes(folder / "root/etc/amalgam/manifests/ceph-csi"))


def _of_kubernetes(folder: Path) -> list[str]:
    files = [file for file in sorted(folder.glob("*.yaml")) if file.name != "00-snapshot-crds.yaml"]
    objects = [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]
    return [yaml.safe_dump(one) for one in objects if one["kind"] not in ("Namespace", "VolumeSnapshotClass")]


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[None]:
    """The role's own, since the site's admission policies let those of the system alone use a host's network."""
    cluster.kubectl("create namespace ceph-csi")
    yield
    cluster.kubectl("delete namespace ceph-csi --wait")


@pytest.mark.usefixtures("namespace")
def test_the_api_server_takes_all_that_it_knows(lab: Lab, cluster: Cluster, manifests: str) -> None:
    # A class that is there already cannot become another provisioner's, not even for a trial.
    theirs = manifests.replace("name: shared", "name: csi-shared").replace("name: fast", "name: csi-fast")
    # Images come from registries of the site.
    theirs = theirs.replace("mirror.example.internal/", f"{lab.registry}/csi/")

    said = cluster.kubectl("apply --server-side --dry-run=server --validate=strict --filename -", stdin=theirs).stdout

    assert "daemonset.apps/node serverside-applied (server dry run)" in said
    assert said.count("(server dry run)") == manifests.count("---") + 1
    assert cluster.kubectl("get csidriver cephfs.csi.ceph.com", check=False).rc != 0
