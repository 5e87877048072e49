"""Many lines of one container at full speed, and how long it takes until all of them are found."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.logs import Logs

# Kubernetes' own generator waits for a timer after each line, some 4,500 times a second.
_PRINT = 'BEGIN {{ for (n = 1; n <= {lines}; n++) print n, "{rest}" }}'
_REST = "GET /api/v1/namespaces/default/pods 200 " + "." * 77
"""With a number and what the runtime adds, a line has some 170 bytes."""


@dataclass(frozen=True)
class Flood:
    """What became of the lines."""

    lines: int
    """Found, those that came twice too."""
    printed_seconds: float
    """From the start of the container until it had printed them: the machine's own, before any agent's."""
    seconds: float
    """From the start of the container until the last different line was found."""
    node: str
    """Where the container ran."""


def flood(cluster: Cluster, logs: Logs, lines: int) -> Flood:
    """Print so many different lines as fast as the container can, and wait until all are found.

    Raises:
        AssertionError: some were not found within minutes.
    """
    spec = pod_template(cluster.image_of_tests(), [], {"app": "flood"}, restartPolicy="Never")["spec"]
    (container,) = spec["containers"]
    container["command"] = ["busybox", "awk", _PRINT.format(lines=lines, rest=_REST)]
    with cluster.namespace("flood") as namespace:
        began = time.monotonic()
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flood"}, "spec": spec})
        cluster.wait(namespace, "wait --for=jsonpath={.status.phase}=Succeeded pod/flood", seconds=600)
        printed = time.monotonic() - began
        found = logs.await_messages(f'{{kubernetes.pod_namespace="{namespace}"}} log:=pods', lines, seconds=300)
        seconds = time.monotonic() - began
        node = cluster.get(f"pod flood --namespace {namespace}")["spec"]["nodeName"]
    return Flood(found, printed, seconds, node)
