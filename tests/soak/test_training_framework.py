"""A real framework trains with workers on two nodes: Keras on JAX, with the environment of its template."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import run_local
from tests.e2e.support.python_image import PACKAGES
from tests.e2e.support.training import CHIP, PER_NODE, Vc, chips_of_workers, training_image, training_vc

pytestmark = pytest.mark.timeout(1800)

SCRIPT = "/opt/training/keras_sums.py"
EPOCHS, HOLD = 10, 4


@pytest.fixture(scope="module")
def vc(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vc]:
    """A namespace to train in, and an image with the framework."""
    scratch = tmp_path_factory.mktemp("training")
    packages = scratch / "packages"
    install = ["pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    lock = ["--requirement", str(ROOT / "requirements/training-tests.lock")]
    run_local([program("uv"), *install, *lock, "--python-version", "3.11", "--target", str(packages)], seconds=600)
    trees = {PACKAGES: packages, "opt/training": ROOT / "tests/fixtures/training"}
    with training_image(cluster, scratch, trees) as image, training_vc(cluster, image, scratch) as found:
        yield found


def test_a_real_framework_trains_on_two_nodes_and_goes_on_after_a_worker_was_killed(cluster: Cluster, vc: Vc) -> None:
    words = [SCRIPT, "--epochs", str(EPOCHS), "--hold", str(HOLD)]
    assert chips_of_workers(cluster) == 2 * PER_NODE
    # All chips of a node: two workers are on two nodes.
    size = {"workers": 2, "processes": 2, "cpu": 1, "memory": "2Gi"}
    vc.submit("sums", framework="keras", script=words, **size, chips={"kind": CHIP, "per_worker": PER_NODE})

    running = vc.kill_when_it_holds("sums", SCRIPT, seconds=600)

    assert len({worker["node"] for worker in running["members"]}) == 2
    # JAX takes up to two minutes to find that a peer is gone.
    ended = vc.await_state("sums", "succeeded", "failed", seconds=900)
    assert ended["state"] == "succeeded", ended
    said = [vc.epochs("sums", rank) for rank in range(4)]
    assert [{(one["rank"], one["world"]) for one in lines} for lines in said] == [{(rank, 4)} for rank in range(4)]
    assert {one["first"] for one in said[0]} == {0, HOLD}
    assert [one["epoch"] for one in said[0]] == list(range(EPOCHS))
    losses = [one["loss"] for one in said[0]]
    assert losses == sorted(losses, reverse=True)
    # The same in all processes: each has the gradients of all.
    assert [[one["loss"] for one in lines] for lines in said] == [losses] * 4
