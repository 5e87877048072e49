"""A volume as it was at one moment: kept whatever becomes of it, and restored whole into a new claim or not at all."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from amalgam.bundle.host import host_arch
from tests.e2e.support.checkout import program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Done
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

CLASS = "vision"
ROOT = f"/srv/shared/{CLASS}"

# More than is free in a part that is nearly full, and some of all that a volume may hold.
_FILL = """cd {path} && umask 027 && head -c 8M /dev/urandom >large && mkdir -m 2770 many && for n in $(seq 50)
do head -c 4096 /dev/urandom >many/$n; done; ln -s many/1 link; ln many/2 hard; touch 'with space'
chown -R 1000:1001 many
python3 -c 'import os; os.setxattr("large", "user.origin", b"here")'; sync"""

# Names, types, modes, owners, where links point, attributes, content.
_LOOK = """cd {path} && find . -printf '%p %M %U %G %l\\n' | sort
find . -type f -print0 | sort -z | xargs -0 sha256sum
python3 -c 'import os; print(os.getxattr("large", "user.origin"))'"""

# Wait for a restore and hold it.
_CATCH = f"timeout 60 sh -c 'until ls -d {ROOT}/restoring-*; do sleep 0.05; done' && pkill -STOP -f /script/snapshots"


@dataclass(frozen=True)
class Kept:
    """A volume of which there is a snapshot, and what it was."""

    cluster: Cluster
    namespace: str
    path: str
    contents: str

    def look(self, path: str) -> str:
        """What is in a folder, from a worker."""
        return self.cluster.lab.node("gpu1").run(_LOOK.format(path=path)).stdout

    def listed(self) -> list[dict[str, Any]]:
        """The namespace's snapshots."""
        rows: list[dict[str, Any]] = json.loads(
            _amalgam(self.cluster, "snapshot", "list", "-n", self.namespace, "--json").stdout
        )
        return rows

    def restore(self, claim: str) -> list[str]:
        """Arguments that restore it."""
        return ["restore", "-n", self.namespace, "--snapshot", "data/before", "--claim", claim]


def _environment(cluster: Cluster) -> dict[str, str]:
    """As an administrator of the site has it: the kubeconfig, and kubectl of the bundle."""
    names = cluster.lab.names
    programs = names.root / ".lab" / "bundle" / "files" / host_arch()
    return {**os.environ, "KUBECONFIG": str(names.kubeconfig), "PATH": f"{programs}:{os.environ['PATH']}"}


def _start(cluster: Cluster, *arguments: str) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([program("amalgam"), "volume", *arguments], env=_environment(cluster), **pipes)


def _amalgam(cluster: Cluster, *arguments: str, check: bool = True) -> Done:
    with _start(cluster, *arguments) as process:
        out, err = process.communicate(timeout=120)
    assert not check or process.returncode == 0, err
    return Done(process.returncode, out, err)


def _claim(cluster: Cluster, namespace: str, name: str) -> str:
    """Make a claim; the folder of its volume."""
    spec = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": CLASS,
        "resources": {"requests": {"storage": "64Mi"}},
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
    cluster.apply(namespace, claim)
    cluster.wait(namespace, f"wait --for=jsonpath={{.status.phase}}=Bound pvc/{name}")
    return _path(cluster, namespace, name)


def _path(cluster: Cluster, namespace: str, claim: str) -> str:
    name = cluster.get(f"pvc {claim} --namespace {namespace}")["spec"]["volumeName"]
    path: str = cluster.get(f"pv {name}")["spec"]["hostPath"]["path"]
    return path


@pytest.fixture(scope="module")
def kept(cluster: Cluster) -> Iterator[Kept]:
    """A snapshot of a volume that was changed since."""
    with cluster.namespace("snapshots") as namespace:
        path = _claim(cluster, namespace, "data")
        worker = cluster.lab.node("gpu1")
        worker.run(_FILL.format(path=path))
        contents = worker.run(_LOOK.format(path=path)).stdout
        _amalgam(cluster, "snapshot", "create", "-n", namespace, "data", "before")
        worker.run(f"cd {path} && echo after >large && rm -r many && sync large")
        yield Kept(cluster, namespace, path, contents)
        cluster.control_plane.run(f"rmdir {path}/.snap/before", check=False)


def test_a_snapshot_keeps_what_its_volume_was_and_nobody_can_change_it(kept: Kept) -> None:
    worker, snapshot = kept.cluster.lab.node("gpu1"), f"{kept.path}/.snap/before"
    assert kept.look(snapshot) == kept.contents
    for change in (f"touch {snapshot}/large", f"rm {snapshot}/large", f"rmdir {snapshot}", f"mkdir {snapshot}-2"):
        assert worker.run(change, check=False).rc != 0, change
    (one,) = kept.listed()
    assert (one["claim"], one["name"], one["storage_class"], one["alive"]) == ("data", "before", CLASS, True)


def test_a_name_that_is_taken_is_refused(kept: Kept) -> None:
    refused = _amalgam(kept.cluster, "snapshot", "create", "-n", kept.namespace, "data", "before", check=False)
    assert refused.rc == 1
    assert "there is a snapshot before already" in refused.stderr
    assert kept.look(f"{kept.path}/.snap/before") == kept.contents


def test_what_does_not_fit_any_more_is_not_restored_and_leaves_nothing(kept: Kept) -> None:
    worker = kept.cluster.lab.node("gpu1")
    try:
        wait_until("the part is full", lambda: _fill(kept), lambda free: free <= 4, seconds=60)
        refused = _amalgam(kept.cluster, *kept.restore("too-much"), check=False)
    finally:
        worker.run(f"rm {ROOT}/fill")
    assert refused.rc == 1
    assert "its data do not fit any more" in refused.stderr
    assert "enlarge its part in ceph_subvolumes" in refused.stderr
    assert "too-much" not in kept.cluster.kubectl(f"--namespace {kept.namespace} get pvc").output
    assert "too-much" not in worker.run(f"ls {ROOT}").stdout
    wait_until("its space is free", lambda: _free_mib(kept), lambda free: free > 900, seconds=60)


def test_a_restore_that_was_killed_is_never_taken_for_done_and_the_next_run_finishes_it(kept: Kept) -> None:
    cluster, where = kept.cluster, f"--namespace {kept.namespace}"
    with _start(cluster, *kept.restore("again")) as process:
        cluster.control_plane.run(_CATCH)
        process.kill()
    cluster.kubectl("--namespace shared-volumes delete pods --selector '!app' --force --grace-period 0")
    claim = cluster.get(f"pvc again {where}")
    assert claim["status"]["phase"] == "Pending"
    assert f"restoring-{claim['spec']['volumeName']}" in cluster.control_plane.run(f"ls {ROOT}").stdout

    _amalgam(cluster, *kept.restore("again"))

    claim = cluster.get(f"pvc again {where}")
    assert (claim["status"]["phase"], claim["status"]["capacity"]["storage"]) == ("Bound", "64Mi")
    path = _path(cluster, kept.namespace, "again")
    assert path.startswith(f"{ROOT}/pvc-")
    assert kept.look(path) == kept.contents
    quota = f"import os; print(os.getxattr({path!r}, 'ceph.quota.max_bytes'))"
    assert cluster.control_plane.run(f'python3 -c "{quota}"').stdout == f"b'{64 << 20}'\n"
    assert "restor" not in cluster.control_plane.run(f"ls {ROOT}").stdout


def test_a_snapshot_outlives_its_claim_and_the_last_one_takes_the_rest_along(cluster: Cluster, kept: Kept) -> None:
    worker, volume = cluster.lab.node("gpu1"), kept.path.rpartition("/")[2].partition("_")[0]
    cluster.kubectl(f"--namespace {kept.namespace} delete pvc data")
    wait_until("the volume is gone", lambda: cluster.kubectl(f"get pv {volume}", check=False).rc != 0, seconds=120)

    assert worker.run(f"ls -A {kept.path}").stdout == ""
    assert kept.look(f"{kept.path}/.snap/before") == kept.contents
    assert [one["alive"] for one in kept.listed()] == [False]

    deletion = ("snapshot", "delete", "-n", kept.namespace, "data", "before")
    _amalgam(cluster, *deletion)
    assert worker.run(f"test -e {kept.path}", check=False).rc != 0
    missing = _amalgam(cluster, *deletion, check=False)
    assert missing.rc == 1
    assert "there is no snapshot before" in missing.stderr


def _fill(kept: Kept) -> int:
    """Take what is free in the part, as it is known now, all but 4 MiB; MiB that were free."""
    free = _free_mib(kept)
    kept.cluster.lab.node("gpu1").run(f"truncate -s +{max(free - 4, 0)}M {ROOT}/fill", check=False)
    return free


def _free_mib(kept: Kept) -> int:
    return int(kept.cluster.control_plane.run(f"df --output=avail -BM {ROOT}").stdout.split()[1].rstrip("M"))
