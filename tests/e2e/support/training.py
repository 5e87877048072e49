"""Training jobs as people submit them, in a namespace of the restricted level with a training volume."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from amalgam.bundle.host import host_arch
from amalgam.lab.environment import environment
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Done, run_local
from tests.e2e.support.pulumi import new_stack, pulumi_environment
from tests.e2e.support.python_image import write_python_image
from tests.e2e.support.waiting import wait_until

CHIP, PER_NODE = "nvidia.com/gpu", 8
_AMALGAM = program("amalgam")

# Every process of a script, and none of the shells around it.
_KILL = """
import os, signal, sys
for each in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{each}/cmdline", "rb").read().split(bytes(1))
    except OSError:
        continue
    if words[:2] == [b"python3", sys.argv[1].encode()]:
        os.kill(int(each), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Vc:
    """A namespace in which jobs train."""

    cluster: Cluster
    name: str
    image: str
    folder: Path
    """For the files that describe jobs."""
    kubeconfig: Path | None = None
    """Of the person who trains; ``None`` is the administrator."""

    def run(self, *words: str, check: bool = True, seconds: float = 120.0) -> Done:
        """Run ``amalgam train``."""
        return run_local([_AMALGAM, "train", *words], env=self._environment(), check=check, seconds=seconds)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``amalgam train``, to read along."""
        variables = os.environ | self._environment()
        return subprocess.Popen([_AMALGAM, "train", *words], env=variables, stdout=subprocess.PIPE, text=True)

    def _environment(self) -> dict[str, str]:
        own = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        return environment(self.cluster.lab.names) | own

    def submit(self, name: str, *options: str, check: bool = True, **described: Any) -> Done:
        """Submit a job of small workers."""
        file = self.folder / f"{name}.yaml"
        small = {"framework": "pytorch", "image": self.image, "cpu": 0.5, "memory": "128Mi"}
        file.write_text(yaml.safe_dump({"name": name, **small, **described}))
        return self.run("submit", str(file), "--vc", self.name, *options, check=check)

    def describe(self, name: str) -> dict[str, Any]:
        """What ``amalgam train describe`` says."""
        found: dict[str, Any] = json.loads(self.run("describe", name, "--vc", self.name, "--json").stdout)
        return found

    def await_state(self, name: str, *states: str, seconds: float = 180.0) -> dict[str, Any]:
        """Wait until a job is in one of the states."""
        return wait_until(
            f"{name} is {' or '.join(states)}",
            lambda: self.describe(name),
            lambda one: one["state"] in states,
            seconds=seconds,
        )

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The pods of a job."""
        found: list[dict[str, Any]] = self.cluster.get(f"pods --namespace {self.name} --selector training/job={name}")[
            "items"
        ]
        return found

    def execute(self, pod: str, *words: str, check: bool = True) -> Done:
        """Run a program in a worker."""
        return self.cluster.kubectl(f"--namespace {self.name} exec {pod} -- {shlex.join(words)}", check=check)

    def kill(self, pod: str, script: str) -> None:
        """Kill the processes of a script in a worker."""
        # The worker's container ends with them, and with it this command.
        self.execute(pod, "python3", "-c", _KILL, script, check=False)

    def await_hold(self, name: str, epoch: int, *, seconds: float = 180.0) -> None:
        """Wait until the last process says, in the second worker's present start, that it holds at an epoch."""
        said = ("logs", name, "--worker", "1", "--vc", self.name)
        wait_until(
            f"the last process holds at {epoch}",
            # A worker that is being started again has no log.
            lambda: self.run(*said, check=False).output,
            lambda text: json.dumps({"holding": epoch}) in text,
            seconds=seconds,
        )

    def kill_when_it_holds(self, name: str, script: str, epoch: int, *, seconds: float = 180.0) -> dict[str, Any]:
        """Kill the second worker's processes once the last one holds at an epoch; says what the job was like."""
        running = self.await_state(name, "running", seconds=seconds)
        self.await_hold(name, epoch, seconds=seconds)
        self.kill(running["members"][1]["pod"], script)
        return running

    def epochs(self, name: str, rank: int | str = "*") -> list[dict[str, Any]]:
        """What a process, or each of them, said of each epoch."""
        lines = self.file(f"{name}/logs/worker-{rank}.log").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"epoch"')]

    def file(self, path: str) -> str:
        """Content of a file on the training volume, as the control plane has it."""
        claim = self.cluster.get(f"pvc training --namespace {self.name}")
        volume = self.cluster.get(f"pv {claim['spec']['volumeName']}")["spec"]["hostPath"]["path"]
        return self.cluster.control_plane.run(f"cat {volume}/{path}").stdout


@contextmanager
def training_image(
    cluster: Cluster, scratch: Path, trees: dict[str, Path], arch: str = host_arch(), debian: tuple[str, ...] = ()
) -> Iterator[str]:
    """An image with Python and ``trees``, in the public project of the lab's registry while the tests run."""
    layout, repository = scratch / "layout", f"library/training-{secrets.token_hex(3)}"
    digest, name = write_python_image(layout, scratch, trees, arch, debian), f"{repository}:1"
    own = ["--inventory", str(cluster.lab.inventory)]
    reach = environment(cluster.lab.names)
    run_local([program("amalgam"), "image", "import", str(layout), name, *own], env=reach, seconds=600)
    # By its digest: from a tag, a runtime takes what is for its own architecture.
    image = f"{cluster.lab.registry}/{repository}@{digest}"
    yield image
    run_local([program("amalgam"), "image", "delete", "--yes", name, *own], env=reach)
    # All nodes have one disk here.
    for node in cluster.lab.members("workers"):
        cluster.lab.node(node).run(f"ctr --namespace k8s.io images rm {image}", check=False)


@contextmanager
def training_vc(cluster: Cluster, image: str, scratch: Path) -> Iterator[Vc]:
    """A namespace whose training volume is made by the site's own Pulumi project."""
    with cluster.namespace("training") as name:
        cluster.kubectl(f"label namespace {name} pod-security.kubernetes.io/enforce=restricted")
        inventory = scratch / "inventory"
        shutil.copytree(cluster.lab.inventory, inventory)
        volumes = [{"vc": name, "size": "64Mi", "storage_class": "shared"}]
        file = inventory / "group_vars" / "all" / "training.yml"
        file.write_text(yaml.safe_dump({"training_volumes": volumes}))
        # A namespace of the test is no VC of the site.
        (file.parent / "tenants.yml").unlink()
        variables = pulumi_environment(cluster.lab, scratch / "pulumi-home")
        stack = new_stack(str(ROOT / "pulumi/training"), scratch / "training", variables)
        stack.configure(inventory=str(inventory))
        stack.up()
        stack.run("preview", "--expect-no-changes")
        yield Vc(cluster, name, image, scratch)


def chips_of_workers(cluster: Cluster) -> int:
    """How many chips the workers have together, once each offers all of its own."""

    def look() -> list[int]:
        nodes = cluster.lab.members("workers")
        return [int(cluster.get(f"node {node}")["status"]["allocatable"].get(CHIP, 0)) for node in nodes]

    return sum(wait_until("every worker offers its chips", look, lambda seen: {*seen} == {PER_NODE}, seconds=60))
