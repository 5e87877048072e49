"""One million lines of one container at full speed: none is lost, and the memory of agents and store stays bounded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.report import Figure, show
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.logs import Logs
from tests.e2e.support.nodes import Lab

pytestmark = pytest.mark.timeout(1200)

LINES = 1_000_000
GOAL_SECONDS = 180.0


def _peak(logs: Logs) -> int:
    """The most memory that the store's unit has taken since its start, in bytes; caches of files are not counted."""
    pid = logs.host.run("systemctl show --property MainPID --value victoria-logs").stdout.strip()
    status = logs.host.run(f"cat /proc/{pid}/status").stdout
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_a_million_lines_are_all_there(
    lab: Lab, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = Logs(lab, tmp_path)
    logs.host.run("systemctl restart victoria-logs")
    arguments = ["logs-generator", f"--log-lines-total={LINES}", "--run-duration=20s"]
    spec = pod_template(cluster.image_of_tests(), arguments, {"app": "flood"}, restartPolicy="Never")["spec"]
    with cluster.namespace("flood") as namespace:
        began = time.monotonic()
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flood"}, "spec": spec})
        cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Succeeded pod/flood", seconds=600)
        lines = logs.await_messages(f'{{kubernetes.pod_namespace="{namespace}"}} log:=pods', LINES, seconds=300)
        seconds = time.monotonic() - began
        agents = cluster.get("pods --namespace logging --selector app=vlagent")["items"]
    restarts = sum(one["restartCount"] for pod in agents for one in pod["status"]["containerStatuses"])
    failures = logs.host.run("systemctl show --property NRestarts --value victoria-logs").stdout.strip()
    figure = Figure(
        "a million lines, printed and found", seconds, GOAL_SECONDS, f"{LINES / seconds:.0f} lines a second"
    )
    with capsys.disabled():
        show(Console(), [figure], [])
    assert lines == LINES
    assert (restarts, failures) == (0, "0"), "somebody ran out of memory"
    assert _peak(logs) < 1024**3
    assert seconds < GOAL_SECONDS
