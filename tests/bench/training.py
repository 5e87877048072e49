"""From `amalgam train submit` of a gang to all of its pods running."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.idle import wait_idle
from tests.bench.report import Figure
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab
from tests.e2e.support.training import Vc, training_image, training_vc

WORKERS = 16
GOAL = 60.0
_SCRIPTS = "opt/training"


def measure(lab: Lab, figures: list[Figure]) -> None:
    """Run a gang twice, so that the second finds its image on the nodes.

    Raises:
        AssertionError: a gang did not run; nothing of it is left.
    """
    cluster = Cluster(lab)
    with tempfile.TemporaryDirectory() as scratch:
        trees = {_SCRIPTS: ROOT / "tests/fixtures/training"}
        with (
            training_image(cluster, Path(scratch), trees) as image,
            training_vc(cluster, image, Path(scratch)) as vc,
        ):
            for name, what in (("cold", "image to be pulled"), ("warm", "image on the nodes")):
                wait_idle()
                figures.append(_gang(vc, name, what))


def _gang(vc: Vc, name: str, what: str) -> Figure:
    script = [f"/{_SCRIPTS}/hold.py"]
    began = time.time()
    vc.submit(name, script=script, workers=WORKERS, cpu=0.1)
    vc.await_state(name, "running", seconds=300)
    pods = vc.pods(name)
    seconds = max(_ready(pod) for pod in pods) - began
    made = max(_moment(pod["metadata"]["creationTimestamp"]) for pod in pods) - began
    bound = max(_moment(_condition(pod, "PodScheduled")) for pod in pods) - began
    vc.run("stop", name, "--vc", vc.name)
    note = f"{what}; all pods made after {made:.0f} s, bound after {bound:.0f} s"
    return Figure(f"gang of {WORKERS}: submit to running", seconds, GOAL, note)


def _ready(pod: dict[str, Any]) -> float:
    return _moment(_condition(pod, "Ready"))


def _condition(pod: dict[str, Any], kind: str) -> str:
    found: str = next(one["lastTransitionTime"] for one in pod["status"]["conditions"] if one["type"] == kind)
    return found


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
