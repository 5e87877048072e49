"""Workers offer the chips they have; jobs get those that are well, also after the kubelet was restarted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

import pytest

from amalgam.chips.labels import worker_marks
from amalgam.chips.table import NVIDIA
from tests.e2e.support.chips import ChipJob, ChipNode, simulated_driver
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

Submit = Callable[..., ChipJob]


@pytest.fixture(scope="module")
def gpu_nodes(lab: Lab, cluster: Cluster) -> list[ChipNode]:
    """The nodes with GPUs."""
    names = [host.name for host in lab.site.hosts if host.accelerator == NVIDIA.accelerator]
    return [ChipNode(cluster, lab.node(name), NVIDIA) for name in names]


@pytest.fixture(scope="module")
def submit(cluster: Cluster) -> Iterator[Submit]:
    """Submits a job that asks for so many GPUs."""
    with cluster.namespace("chips") as namespace:

        def run(name: str, chips: int, *, node: str = "") -> ChipJob:
            job = ChipJob(cluster, namespace, name, NVIDIA, chips)
            job.submit(node=node)
            return job

        yield run


def test_every_gpu_worker_offers_eight_gpus_and_nothing_else_does(cluster: Cluster, gpu_nodes: list[ChipNode]) -> None:
    for node in gpu_nodes:
        node.wait_offers(8)
    offering = {
        node["metadata"]["name"]
        for node in cluster.get("nodes")["items"]
        if NVIDIA.resource in node["status"]["capacity"]
    }
    assert offering == {node.name for node in gpu_nodes}


def test_a_gpu_job_lands_on_a_gpu_node_and_is_told_its_gpus(
    cluster: Cluster, gpu_nodes: list[ChipNode], submit: Submit
) -> None:
    job = submit("eight", 8)
    told = job.wait_done()
    (home,) = (node for node in gpu_nodes if node.name == job.pod()["spec"]["nodeName"])
    assert sorted(told) == sorted(chip["uuid"] for chip in home.chips())
    labels = cluster.get(f"node {home.name}")["metadata"]["labels"]
    assert worker_marks(home.name, "nvidia", "").labels.items() <= labels.items()


def test_an_unhealthy_gpu_is_not_given_out_until_it_is_well_again(gpu_nodes: list[ChipNode], submit: Submit) -> None:
    node = gpu_nodes[0]
    node.wait_offers(8)
    with node.unhealthy(3):
        node.wait_offers(7)
        told = submit("all-that-are-well", 7, node=node.name).wait_done()
        assert sorted(told) == sorted(chip["uuid"] for chip in node.chips() if chip["index"] != 3)
        waiting = submit("all", 8, node=node.name)
        assert f"Insufficient {NVIDIA.resource}" in waiting.wait_refused_by_scheduler()
    assert len(waiting.wait_done()) == 8


def test_a_kubelet_that_was_restarted_has_its_gpus_again(gpu_nodes: list[ChipNode], submit: Submit) -> None:
    node = gpu_nodes[0]
    folder = "/var/lib/kubelet/device-plugins"
    kubelet = f"stat --format %i:%z {folder}/kubelet.sock"
    before = node.node.run(kubelet).stdout
    node.node.run("systemctl restart kubelet")
    again = f"{kubelet}; test {folder}/simulated-chips.sock -nt {folder}/kubelet.sock && echo registered"
    wait_until(
        "the plugin has registered with the new kubelet",
        lambda: node.node.run(again, check=False).stdout.split(),
        lambda seen: seen[-1:] == ["registered"] and before.split() != seen[:-1],
        seconds=60,
    )
    node.wait_offers(8)
    assert len(submit("after-restart", 8, node=node.name).wait_done()) == 8


def test_the_look_alike_tool_answers_for_the_same_gpus(gpu_nodes: list[ChipNode]) -> None:
    node = gpu_nodes[0]
    fields = "index,uuid,temperature.gpu,ecc.errors.uncorrected.volatile.total"
    node.node.run("simulated-chips set-temperature-c 5 88 && simulated-chips set-ecc-uncorrected 5 2")
    try:
        answer = node.node.run(f"nvidia-smi --query-gpu={fields} --format=csv,noheader,nounits").stdout
        rows = list(csv.reader(answer.splitlines(), skipinitialspace=True))
        assert rows[5] == ["5", node.chips()[5]["uuid"], "88", "2"]
        assert [row[1] for row in rows] == [chip["uuid"] for chip in node.chips()]
        with node.unhealthy(5):
            line = node.node.run(f"nvidia-smi -i 5 --query-gpu={fields} --format=csv,noheader").stdout
        assert "[GPU requires reset]" in line
    finally:
        node.node.run("simulated-chips set-temperature-c 5 41 && simulated-chips set-ecc-uncorrected 5 0")


def test_a_driver_that_does_not_fit_is_refused_and_nothing_is_changed(
    gpu_nodes: list[ChipNode], playbook: Callable[..., PlaybookRun]
) -> None:
    node = gpu_nodes[0].node
    managed = ["--tags", "accelerators", "--limit", node.name, "--extra-vars", "accelerator_software=managed"]
    with simulated_driver(node, NVIDIA, "470.82.01"):
        run = playbook(*managed)
    absent = playbook(*managed)

    said = " ".join(run.output.split())
    assert f"{node.name}: driver 470.82.01, where 525.60.13 or newer is wanted" in said, run.end
    assert f"{node.name}: no nvidia chip on PCI" in " ".join(absent.output.split()), absent.end
    for one in (run, absent):
        assert (one.counts("failed")[node.name], one.counts("changed")[node.name]) == (1, 0), one.end
