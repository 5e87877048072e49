"""One million lines of one container at full speed: none is lost, and the memory of agents and store stays bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.support.cluster import Cluster
from tests.e2e.support.log_flood import flood
from tests.e2e.support.logs import Logs
from tests.e2e.support.memory import peak_mib
from tests.e2e.support.nodes import Lab

pytestmark = pytest.mark.timeout(900)

LINES = 1_000_000
STORE_MIB = 512
"""`victoria_logs_memory_megabytes` of the lab, at which the kernel would kill it."""
AGENT_MIB = 192
"""Of the 256 MiB at which the kernel would kill it (`pod_logs_memory_megabytes`), what its own runtime keeps to."""

_STORE = "systemctl show --property MainPID --value victoria-logs"
_AGENT = "pgrep --full '^/vlagent .*-kubernetesCollector'"


def test_a_million_lines_are_all_there(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    logs = Logs(lab, tmp_path)
    logs.host.run("systemctl restart victoria-logs")
    before = _restarts(cluster)
    flooded = flood(cluster, logs, LINES)
    failures = logs.host.run("systemctl show --property NRestarts --value victoria-logs").stdout.strip()
    assert flooded.lines == LINES
    assert (_restarts(cluster), failures) == (before, "0"), "somebody ran out of memory"
    store, agent = peak_mib(logs.host, _STORE), peak_mib(lab.node(flooded.node), _AGENT)
    assert (store < STORE_MIB, agent < AGENT_MIB) == (True, True), f"{store} MiB, {agent} MiB"


def _restarts(cluster: Cluster) -> dict[str, int]:
    """How often the container of each agent was started again, by pod: a host that was restarted counts, too."""
    agents = cluster.get("pods --namespace logging --selector app=vlagent")["items"]
    return {
        pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
        for pod in agents
    }
