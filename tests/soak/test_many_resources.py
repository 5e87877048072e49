"""A stack of 500 resources: made, looked at, changed and deleted, beside `kubectl apply` of the same objects."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from amalgam.bundle.host import host_arch
from tests.bench.report import Figure, show
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.pulumi import new_stack, pulumi_environment

pytestmark = pytest.mark.timeout(1800)

COUNT = 500
# Goals, in seconds, on two busy cores. The engine writes the whole state file after every resource.
UP, PREVIEW, REFRESH, DESTROY = 120.0, 20.0, 60.0, 60.0


def test_five_hundred_resources_are_served(
    lab: Lab, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = pulumi_environment(lab, tmp_path / "home")
    stack = new_stack("many", tmp_path / "many", variables)
    figures: list[Figure] = []

    def timed(what: str, goal_seconds: float, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        figures.append(Figure(what, seconds, goal_seconds, f"{COUNT / seconds:.0f} resources a second"))

    with cluster.namespace("many") as namespace, cluster.namespace("many-kubectl") as other:
        stack.configure(namespace=namespace, count=COUNT)
        timed("pulumi up", UP, lambda: stack.run("up", "--yes", "--skip-preview", seconds=600))
        timed("pulumi preview, nothing to do", PREVIEW, lambda: stack.run("preview", "--expect-no-changes"))
        arguments = ["refresh", "--yes", "--skip-preview", "--expect-no-changes"]
        timed("pulumi refresh, no drift", REFRESH, lambda: stack.run(*arguments, seconds=600))
        assert _count(cluster, namespace) == COUNT

        kubectl = str(lab.site.bundle_path / "files" / host_arch() / "kubectl")
        manifest = tmp_path / "objects.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": _objects(other)}))
        apply = [kubectl, "apply", "--server-side", "--filename", str(manifest)]
        timed("kubectl apply --server-side", UP, lambda: run_local(apply, env=variables, seconds=600))
        assert _count(cluster, other) == COUNT

        timed("pulumi destroy", DESTROY, lambda: stack.run("destroy", "--yes", "--skip-preview", seconds=600))
        assert _count(cluster, namespace) == 0
    with capsys.disabled():
        show(Console(), figures, [])
    assert [figure.what for figure in figures if figure.seconds > figure.goal_seconds] == []


def _objects(namespace: str) -> list[dict[str, object]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"map-{number}", "namespace": namespace},
            "data": {"number": str(number)},
        }
        for number in range(COUNT)
    ]


def _count(cluster: Cluster, namespace: str) -> int:
    names = cluster.kubectl(f"get configmaps --namespace {namespace} --output name").stdout.split()
    return len([name for name in names if "/map-" in name])
