"""How long a site takes: install on bare nodes, second run, one more worker in a small and in a large site."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.counted_ssh import counting_environment
from tests.bench.idle import wait_idle
from tests.bench.report import Figure, TaskCounts
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.own_lab import Groups, OwnLab, own_lab, write_inventory
from tests.e2e.support.playbook import start_site

INSTALL_SECONDS = 180.0
SECOND_RUN_SECONDS = 20.0
ADD_WORKER_SECONDS = 60.0
LARGE_SITE = 400

WORKER = "gpu2"
"""The worker that is added: a node of the lab, thrown away and made anew before."""

HOSTS: Groups = {
    "control_plane": {"master1": {"ansible_host": "10.88.0.11"}},
    "gpu_workers": {
        "gpu1": {"ansible_host": "10.88.0.21", "accelerator": "nvidia"},
        "gpu2": {"ansible_host": "10.88.0.22", "accelerator": "nvidia"},
    },
    "storage": {"stor1": {"ansible_host": "10.88.0.31"}},
    "bundle_server": {"stor1": {}},
}

SETTINGS: dict[str, Any] = {
    # Its stacks have it, too, and the checkout's lab has some.
    "site_name": "bench",
    # Wide enough for the large site: the same for both, so that one cluster serves both.
    "network_node_cidr": "10.88.0.0/22",
    "network_pod_cidr": "10.244.0.0/14",
}


@dataclass
class SiteBench:
    """Collects what the runs on one lab took."""

    lab: OwnLab
    folder: Path
    figures: list[Figure]
    runs: list[TaskCounts]

    def run(self, what: str, goal_seconds: float, inventory: Path, *arguments: str, note: str = "") -> TaskCounts:
        """Run the site's playbook and keep its figures.

        Raises:
            AssertionError: the run failed; with the end of its output.
        """
        folder = self.folder / f"run-{len(self.runs)}"
        environment = counting_environment(folder)
        done = start_site(inventory, *arguments, extra_environment=environment).wait()
        assert done.rc == 0, f"{what}:\n{done.end}"
        counts = TaskCounts.read(what, done.seconds, folder)
        self.figures.append(Figure(what, done.seconds, goal_seconds, note))
        self.runs.append(counts)
        return counts


@contextmanager
def site_bench(bundle: Path, figures: list[Figure], runs: list[TaskCounts]) -> Iterator[SiteBench]:
    """The GPU reference topology as bare nodes, in a lab of its own; what is measured is added to both lists."""
    with own_lab("bench", HOSTS, SETTINGS, bundle=bundle) as lab, tempfile.TemporaryDirectory() as folder:
        lab.up()
        yield SiteBench(lab, Path(folder), figures, runs)


def install(bench: SiteBench) -> None:
    """The cluster alone from bare nodes, the site with its storage from bare nodes, and each of them once more."""
    cluster = bench.lab.names.root / "inventories" / "cluster"
    without = {name: hosts for name, hosts in HOSTS.items() if name != "storage"}
    write_inventory(cluster, without | {"bundle_server": HOSTS["storage"]}, SETTINGS)
    _twice(bench, "the cluster alone", cluster)
    bench.lab.recreate(*bench.lab.state.nodes)
    _twice(bench, "the cluster and its storage", bench.lab.inventory)


def _twice(bench: SiteBench, what: str, inventory: Path) -> None:
    bench.run(f"install of {what}, 4 bare nodes", INSTALL_SECONDS, inventory, note="warm bundle")
    Cluster(bench.lab).wait_healthy()
    # The first minutes of a cluster are busy ones.
    wait_idle()
    bench.run(f"second run of {what}", SECOND_RUN_SECONDS, inventory)


def add_worker(bench: SiteBench) -> None:
    """Add one bare worker to the running cluster, as a site of 4 hosts and as one of 400.

    Of the large site only the hosts of the lab exist: the run is limited to one, so that it may not touch the others.

    Raises:
        AssertionError: the two runs differ in their tasks or round trips.
    """
    large = bench.lab.names.root / "inventories" / "large"
    write_inventory(large, _large_site(), SETTINGS)
    counts = []
    for inventory, size in ((bench.lab.inventory, 4), (large, LARGE_SITE)):
        Cluster(bench.lab).kubectl(f"delete node {WORKER} --wait")
        bench.lab.recreate(WORKER)
        what = f"add one worker to a site of {size} hosts"
        counts.append(bench.run(what, ADD_WORKER_SECONDS, inventory, "--limit", WORKER))
    small, big = (_signature(one) for one in counts)
    assert small == big, f"adding a worker depends on the size of the site: {small} against {big}"


def _signature(counts: TaskCounts) -> tuple[list[str], int, dict[str, int]]:
    return [task["name"] for task in counts.done], counts.executions, counts.round_trips


def _large_site() -> Groups:
    more = LARGE_SITE - len(HOSTS["gpu_workers"]) - 2
    workers = {
        f"gpu{number + 100}": {"ansible_host": f"10.88.{1 + number // 200}.{number % 200 + 1}", "accelerator": "nvidia"}
        for number in range(more)
    }
    return {**HOSTS, "gpu_workers": {**HOSTS["gpu_workers"], **workers}}
