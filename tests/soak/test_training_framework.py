"""Real frameworks train by their templates: those that can be had for this machine, on two nodes if they can."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import run_local
from tests.e2e.support.python_image import PACKAGES
from tests.e2e.support.training import CHIP, PER_NODE, Vc, chips_of_workers, training_image, training_vc

pytestmark = pytest.mark.timeout(1800)

SCRIPT = "/opt/training/keras_sums.py"
EPOCHS, HOLD = 10, 4


@dataclass(frozen=True)
class Trained:
    """How a framework is tried."""

    image: str
    """What is in it is in ``requirements/training-IMAGE.lock``, or in :data:`DEBIAN`."""
    framework: str
    script: str
    workers: int = 2
    processes: int = 1
    arguments: tuple[str, ...] = ()
    starter: tuple[str, ...] = ()
    """The command that starts the script in its processes, where not the launcher does."""
    memory: str = "1Gi"

    @property
    def job(self) -> str:
        """The name of the job."""
        return self.starter[0] if self.starter else self.framework


TRAINED = (
    Trained("mindspore", "mindspore", "mindspore_sums.py", processes=2),
    Trained("mpi", "mpi", "mpi_sums.py", processes=2, starter=("python3",)),
    Trained("mxnet", "mxnet", "mxnet_sums.py"),
    Trained("pytorch", "pytorch", "pytorch_sums.py", processes=2),
    # Its default, to redirect nothing, is lost with Python 3.11: https://github.com/deepspeedai/DeepSpeedExamples/issues/359.
    Trained("pytorch", "pytorch", "pytorch_sums.py", processes=2, starter=("torchrun", "--redirects=2", "--tee=2")),
    *(Trained("single", name, "single_sums.py", 1, 1, (name,)) for name in ("lightgbm", "scikit-learn", "xgboost")),
    Trained("tensorflow", "tensorflow", "tensorflow_sums.py", memory="2Gi"),
)
DEBIAN = {
    "mindspore": ("libgomp1",),
    "mpi": ("openssh-server", "openssh-client", "sed"),
    "pytorch": ("python3-torch",),
}
# Two thirds of a wheel that are for accelerators.
_LEFT_OUT = {"mindspore": ("mindspore/lib/plugin/*ascend*", "mindspore/lib/plugin/*gpu*")}
# Of a wheel with programs: where a worker's shell, and a shell by SSH, look for them and their parts.
_PREFIXES = {"mpi": ("bin", "etc", "lib", "share")}
# Libraries that an image lacks, and whose wheel has them.
_LIBRARIES = {
    "mxnet": {"libgomp.so.1": "xgboost_cpu.libs/libgomp-*", "libquadmath.so.0": "numpy.libs/libquadmath-*"},
    "single": {"libgomp.so.1": "scikit_learn.libs/libgomp-*"},
}


@contextmanager
def _vc_with(cluster: Cluster, name: str, scratch: Path) -> Iterator[Vc]:
    """A namespace to train in, and an image with the framework."""
    scratch.mkdir(exist_ok=True)
    packages = scratch / "packages"
    trees = {"opt/training": ROOT / "tests/fixtures/training"}
    if (lock := ROOT / f"requirements/training-{name}.lock").exists():
        install = ["pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
        into = ["--requirement", str(lock), "--python-version", "3.11", "--target", str(packages)]
        run_local([program("uv"), *install, *into], seconds=600)
        trees[PACKAGES] = packages
    for part in (part for pattern in _LEFT_OUT.get(name, ()) for part in packages.glob(pattern)):
        run_local(["rm", "-r", str(part)])
    trees |= {f"usr/local/{part}": packages / part for part in _PREFIXES.get(name, ())}
    for library, pattern in _LIBRARIES.get(name, {}).items():
        (trees[f"usr/lib/{library}"],) = packages.glob(pattern)
    with (
        training_image(cluster, scratch, trees, debian=DEBIAN.get(name, ())) as image,
        training_vc(cluster, image, scratch) as found,
    ):
        yield found
    # A framework takes up to two gigabytes.
    shutil.rmtree(scratch)


@pytest.fixture(scope="module")
def vc(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vc]:
    """One with Keras."""
    with _vc_with(cluster, "keras", tmp_path_factory.mktemp("keras")) as found:
        yield found


def test_a_real_framework_trains_on_two_nodes_and_goes_on_after_a_worker_was_killed(cluster: Cluster, vc: Vc) -> None:
    words = [SCRIPT, "--epochs", str(EPOCHS), "--hold", str(HOLD)]
    assert chips_of_workers(cluster) == 2 * PER_NODE
    # All chips of a node: two workers are on two nodes.
    size = {"workers": 2, "processes": 2, "cpu": 1, "memory": "2Gi"}
    vc.submit("sums", framework="keras", script=words, **size, chips={"kind": CHIP, "per_worker": PER_NODE})

    running = vc.kill_when_it_holds("sums", SCRIPT, HOLD, seconds=600)

    assert len({worker["node"] for worker in running["members"]}) == 2
    # JAX takes up to two minutes to find that a peer is gone.
    ended = vc.await_state("sums", "succeeded", "failed", seconds=900)
    assert ended["state"] == "succeeded", ended
    assert all(worker["restarts"] >= 1 for worker in ended["members"])
    said = [vc.epochs("sums", rank) for rank in range(4)]
    assert [{(one["rank"], one["world"]) for one in lines} for lines in said] == [{(rank, 4)} for rank in range(4)]
    assert {one["first"] for one in said[0]} == {0, HOLD}
    assert [one["epoch"] for one in said[0]] == list(range(EPOCHS))
    losses = [one["loss"] for one in said[0]]
    assert losses == sorted(losses, reverse=True)
    # The same in all processes: each has the gradients of all.
    assert [[one["loss"] for one in lines] for lines in said] == [losses] * 4


@pytest.fixture(scope="module")
def vcs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Vc]]:
    """One with another framework, and never two at once."""
    with ExitStack() as now:
        known: dict[str, Vc] = {}

        def one(name: str) -> Vc:
            if name not in known:
                now.close()
                known.clear()
                known[name] = now.enter_context(_vc_with(cluster, name, tmp_path_factory.mktemp(name)))
            return known[name]

        yield one


@pytest.mark.parametrize("trained", TRAINED, ids=lambda trained: f"{trained.framework}-{trained.job}")
def test_a_framework_trains_by_its_template(cluster: Cluster, vcs: Callable[[str], Vc], trained: Trained) -> None:
    vc = vcs(trained.image)
    assert chips_of_workers(cluster) == 2 * PER_NODE
    words = [f"/opt/training/{trained.script}", *trained.arguments]
    runs = {"command": [*trained.starter, *words]} if trained.starter else {"script": words}
    chips = {"kind": CHIP, "per_worker": PER_NODE}
    size = {"workers": trained.workers, "processes": trained.processes, "cpu": 1, "memory": trained.memory}
    vc.submit(trained.job, framework=trained.framework, retries=0, chips=chips, **size, **runs)

    ended = vc.await_state(trained.job, "succeeded", "failed", seconds=600)

    world = trained.workers * trained.processes
    said = vc.epochs(trained.job)
    assert ended["state"] == "succeeded", (ended, vc.file(f"{trained.job}/logs/worker-0.log"))
    by_rank = {rank: [one["loss"] for one in said if one["rank"] == rank] for rank in range(world)}
    assert {one["world"] for one in said} == {world}
    losses = by_rank[0]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4
    # The same in all: each has the gradients of all.
    assert list(by_rank.values()) == [losses] * world
