"""A worker of another architecture: its programs are emulated; kernel, runtime and network agent are the machine's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from amalgam.chips.labels import worker_marks
from amalgam.chips.table import ASCEND, NVIDIA, Kind
from amalgam.lab.emulation import own_architecture, require
from amalgam.pins import load_lock
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.chips import ChipJob, ChipNode, simulated_driver
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Node
from tests.e2e.support.own_lab import OwnLab, groups_of, own_lab, variables_of
from tests.e2e.support.playbook import start_site
from tests.e2e.support.pulumi import platform_on
from tests.e2e.support.training import Vc, training_image
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(5400)

TOPOLOGY, NODE = "lab-heterogeneous", "npu1"
_RUN_SECONDS = 2400.0
# ELF specification, e_machine, as od prints it: x86-64 and AArch64.
_MACHINES = {"amd64": "62", "arm64": "183"}


def lab_settings() -> dict[str, Any]:
    """What the inventory says of its lab: how this machine reaches the cluster, and where mails arrive."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "inventories" / TOPOLOGY / "group_vars/all/lab.yml").read_text())
    return found


@pytest.fixture(scope="module")
def mixed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnLab]:
    """The whole topology, installed, with the platform on it."""
    require("arm64", where="this test")
    with own_lab(TOPOLOGY, groups_of(TOPOLOGY), variables_of(TOPOLOGY) | lab_settings(), bundle=bundle) as lab:
        lab.up()
        _run_site(lab)
        with platform_on(lab, tmp_path_factory.mktemp("pulumi") / "home"):
            yield lab


@pytest.fixture(scope="module")
def npus(mixed: OwnLab) -> ChipNode:
    """The worker with NPUs."""
    return ChipNode(Cluster(mixed), mixed.node(NODE), ASCEND)


def test_an_arm64_worker_is_ready_beside_an_amd64_control_plane(npus: ChipNode) -> None:
    npus.cluster.wait_healthy(seconds=600)
    nodes = {node["metadata"]["name"]: node for node in npus.cluster.get("nodes")["items"]}
    assert {name: node["metadata"]["labels"]["kubernetes.io/arch"] for name, node in nodes.items()} == {
        "master1": own_architecture(),
        "gpu1": own_architecture(),
        NODE: "arm64",
    }
    labels = nodes[NODE]["metadata"]["labels"]
    assert worker_marks(NODE, ASCEND.accelerator, "arm64").labels.items() <= labels.items()
    assert labels["host-arch"] == "huawei-arm"
    assert ASCEND.taint in nodes[NODE]["spec"]["taints"]


def test_a_pod_that_asks_for_no_npu_does_not_come_there(npus: ChipNode) -> None:
    cluster = npus.cluster
    with cluster.namespace("mixed") as namespace:
        pod = pod_template(cluster.image_of_tests(), ["pause"], {"asks": "nothing"})
        pod["spec"]["nodeSelector"] = {"kubernetes.io/hostname": NODE}
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": {"name": "none"}})
        cluster.wait(namespace, "wait --for=jsonpath={.status.conditions[0].reason}=Unschedulable pod/none")
        (condition,) = cluster.get(f"pod none --namespace {namespace}")["status"]["conditions"]
    assert "untolerated taint" in condition["message"]


def test_the_nodes_programs_are_emulated_and_its_runtime_is_not(npus: ChipNode) -> None:
    programs = ("/usr/local/bin/kubelet", "/usr/local/bin/containerd", "/usr/local/bin/runc")
    shown = "; ".join(f"od --address-radix=n --skip-bytes=18 --read-bytes=2 -td2 {file}" for file in programs)
    machines = npus.node.run(shown).stdout.split()
    assert machines == [_MACHINES[one] for one in ("arm64", own_architecture(), own_architecture())]


def test_the_firewall_of_the_emulated_node_holds(mixed: OwnLab, npus: ChipNode) -> None:
    listed = json.loads(npus.node.run("nft --json list chain inet amalgam input").stdout)["nftables"]
    (chain,) = (entry["chain"] for entry in listed if "chain" in entry)
    assert chain["policy"] == "drop"
    # The port of the kubelet is opened to the other nodes, that of its health is to none.
    probe = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{npus.node.address}/%d'"
    master = mixed.node("master1")
    assert master.run(probe % 10250, check=False).rc == 0
    assert master.run(probe % 5355, check=False).rc == 124


def test_an_arm64_job_that_asks_for_four_npus_runs_there_within_one_ring(npus: ChipNode, bundle: Path) -> None:
    npus.wait_offers(8)
    cluster = npus.cluster
    with cluster.namespace("mixed") as namespace:
        template = pod_template(_image(cluster, bundle, "arm64"), [], {"job": "four"}, restartPolicy="Never")
        (container,) = template["spec"]["containers"]
        container["command"] = ["sh", "-c", "busybox uname -m; echo $ASCEND_VISIBLE_DEVICES"]
        container["resources"] = {"limits": {ASCEND.resource: "4"}}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "four"}}
        cluster.apply(namespace, {**job, "spec": {"backoffLimit": 0, "template": template}})
        cluster.wait(namespace, "wait --for=condition=Complete job/four", seconds=300)
        (pod,) = cluster.get(f"pods --namespace {namespace} --selector job=four")["items"]
        machine, told = cluster.kubectl(f"--namespace {namespace} logs job/four").stdout.split()
    assert pod["spec"]["nodeName"] == NODE
    assert machine == "aarch64"
    assert {int(chip) for chip in told.split(",")} in [set(ring) for ring in ASCEND.products[0].rings]


@pytest.mark.parametrize(
    ("vc", "kind", "node", "arch"), [("nlp", ASCEND, NODE, "arm64"), ("vision", NVIDIA, "gpu1", own_architecture())]
)
def test_a_training_job_runs_where_its_chips_are(
    mixed: OwnLab, tmp_path: Path, vc: str, kind: Kind, node: str, arch: str
) -> None:
    cluster = Cluster(mixed)
    trees = {"opt/training": ROOT / "tests/fixtures/training"}
    with training_image(cluster, tmp_path, trees, arch) as image:
        script = ["/opt/training/averaging.py", "--epochs", "4"]
        # Under emulation each program takes some 30 MiB more.
        job = {"script": script, "processes": 2, "retries": 0, "memory": "512Mi"}
        found = Vc(cluster, vc, image, tmp_path)
        found.submit("sums", **job, chips={"kind": kind.resource, "per_worker": 4})
        ended = found.await_state("sums", "succeeded", "failed", seconds=600)
        machine = cluster.get(f"node {node}")["metadata"]["labels"]["kubernetes.io/arch"]
    assert ended["state"] == "succeeded", found.run("logs", "sums", "--vc", vc).stdout
    assert [worker["node"] for worker in ended["members"]] == [node]
    assert machine == arch
    assert [one["epoch"] for one in found.epochs("sums", 0)] == list(range(4))


def test_every_host_is_measured_and_no_target_is_missing(mixed: OwnLab) -> None:
    monitoring = Monitoring(mixed)
    wait_until("every target is up", monitoring.down_targets, lambda down: not down, seconds=300)
    measured = {one["metric"]["node"] for one in monitoring.query('up{job="collectd"} == 1')}
    assert measured == {node.name for node in mixed.nodes()}


def test_npus_have_the_series_that_rules_and_dashboards_use(mixed: OwnLab) -> None:
    wanted = {"accelerator_healthy", "accelerator_temperature:celsius", "accelerator_power:watts"}
    wanted |= {"accelerator_utilization:ratio", "accelerator_memory_used:bytes"}
    names = "|".join(sorted(wanted))
    counted = f'count by (__name__) ({{__name__=~"{names}", vendor="ascend", node="{NODE}"}})'
    wait_until(
        "Prometheus has all readings of all NPUs",
        lambda: {one["metric"]["__name__"]: one["value"][1] for one in Monitoring(mixed).query(counted)},
        lambda seen: seen == dict.fromkeys(wanted, "8"),
        seconds=300,
    )


def test_an_npu_that_is_ill_is_not_given_out_until_it_is_well_again(npus: ChipNode) -> None:
    npus.wait_offers(8)
    with npus.cluster.namespace("npus") as namespace:
        four, eight = (ChipJob(npus.cluster, namespace, f"npus-{count}", ASCEND, count) for count in (4, 8))
        with npus.unhealthy(3):
            npus.wait_offers(7)
            shown = npus.node.run("for chip in 2 3; do npu-smi info -t health -i $chip -c 0; done").stdout
            four.submit()
            # Its ring has three left, so that the other one is given.
            assert four.wait_done() == ["4", "5", "6", "7"]
            eight.submit()
            assert f"Insufficient {ASCEND.resource}" in eight.wait_refused_by_scheduler()
        assert len(eight.wait_done()) == 8
    assert re.findall(r"Health Status +: (\w+)", shown) == ["OK", "Critical"]


def test_firmware_that_does_not_fit_its_driver_is_refused_and_nothing_is_changed(mixed: OwnLab, npus: ChipNode) -> None:
    file = {"path": "/not/carried/over", "sha256": "0" * 64}
    files = {"ascend_docker_runtime": file, "ascend_device_plugin": file | {"image": "plugin:1"}}
    managed = ["--extra-vars", json.dumps({"accelerator_software": "managed", **files})]
    with simulated_driver(npus.node, ASCEND, "24.1.rc3", firmware="7.7.0.1.231"):
        run = start_site(mixed.inventory, "--tags", "accelerators", "--limit", NODE, *managed).wait()

    said = " ".join(run.output.split())
    assert f"{NODE}: firmware 7.7.0.1.231, where driver 24.1.rc3 wants [7.0.0,7.5.99]" in said, run.end
    assert (run.counts("failed")[NODE], run.counts("changed")[NODE]) == (1, 0), run.end


def test_a_second_run_changes_nothing(mixed: OwnLab) -> None:
    assert set(_run_site(mixed).values()) == {0}


def test_the_emulated_node_comes_back_after_a_reboot(npus: ChipNode) -> None:
    began = _started(npus.node)
    npus.node.run("systemctl reboot", check=False)
    wait_until("the node starts anew", lambda: _started(npus.node), lambda seen: seen not in ("", began), seconds=300)
    npus.cluster.wait_healthy(seconds=600)
    npus.wait_offers(8)


def _started(node: Node) -> str:
    """When the node's systemd started; nothing while it does not answer."""
    return node.run("systemctl show --property=UserspaceTimestampMonotonic", check=False).stdout


def _run_site(lab: OwnLab) -> dict[str, int]:
    done = start_site(lab.inventory).wait(seconds=_RUN_SECONDS)
    assert done.rc == 0, done.end
    return done.counts("changed")


def _image(cluster: Cluster, bundle: Path, architecture: str) -> str:
    """The test programs' image for one architecture: from a tag, the node's runtime would take its own."""
    pin = load_lock().image("agnhost")

    def read(digest: str) -> Any:
        return json.loads((bundle / "images/blobs" / digest.replace(":", "/")).read_text())

    key = "org.opencontainers.image.ref.name"
    entries = json.loads((bundle / "images/index.json").read_text())["manifests"]
    (index,) = (entry for entry in entries if entry["annotations"][key] == f"{pin.repository}:{pin.tag}")
    manifests = read(index["digest"])["manifests"]
    (digest,) = (one["digest"] for one in manifests if one["platform"]["architecture"] == architecture)
    return f"{cluster.lab.registry}/{pin.repository}@{digest}"
