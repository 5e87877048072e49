"""What watching costs each host, how long it takes from a measurement to a mail, and how fast logs are taken in."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.report import Figure
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.log_flood import flood
from tests.e2e.support.logs import Logs
from tests.e2e.support.mails import Mailbox
from tests.e2e.support.memory import memory_in_use
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab, Node

MAIL_SECONDS = 90.0
LINES = 1_000_000
LINES_SECONDS = 30.0

_WATCHED_SECONDS = 60
_COLLECTORS = ("collectd", "metrics-gateway", "vlagent", "systemd-journal-upload")
_SERVERS = ("prometheus", "prometheus-alertmanager", "victoria-logs", "cluster-state")

# For each unit: ticks of the processor, and memory (KiB), of all its processes.
_LOOK = """
for unit in {units}; do
  ticks=0 memory=0
  for pid in $(cat /sys/fs/cgroup/systemd$(systemctl show --property ControlGroup --value $unit)/cgroup.procs); do
    set -- $(sed 's/.*) //' /proc/$pid/stat)
    ticks=$((ticks + ${{12}} + ${{13}}))
    memory=$((memory + $(sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status)))
  done
  echo $unit $ticks $memory
done
"""


@dataclass(frozen=True)
class _Use:
    ticks: int
    kib: int


def measure(console: Console, lab: Lab, figures: list[Figure]) -> None:
    """Print what monitoring takes of each host in a quiet minute; add to ``figures`` how long mail and logs take."""
    monitoring = Monitoring(lab)
    before = {node.name: _used(node, _units(node, monitoring)) for node in lab.nodes()}
    time.sleep(_WATCHED_SECONDS)
    samples = "sum by (node) (scrape_samples_post_metric_relabeling)"
    series = {one["metric"].get("node", ""): one["value"][1] for one in monitoring.query(samples)}
    table = Table("node", "unit", "processor", "memory", "series of the node", title="What watching costs")
    for node in lab.nodes():
        for unit, use in _used(node, _units(node, monitoring)).items():
            seconds = (use.ticks - before[node.name][unit].ticks) / os.sysconf("SC_CLK_TCK")
            share = f"{100 * seconds / _WATCHED_SECONDS:.1f} %"
            table.add_row(node.name, unit, share, f"{use.kib / 1024:.0f} MiB", series.get(node.name, ""))
    for node, cores, mib in _pod_logs(monitoring):
        table.add_row(node, "agent of pods' logs", f"{100 * cores:.1f} %", f"{mib:.0f} MiB", series.get(node, ""))
    console.print(table)
    figures.append(_mail(lab, monitoring))
    figures.append(_logs(lab))


def _pod_logs(monitoring: Monitoring) -> list[tuple[str, float, float]]:
    """Node, processors and memory (MiB) of each agent, by the kubelet: they are containers and no units."""
    agents = '{namespace="logging",container="vlagent"}'
    cores = _by_node(
        monitoring, f"sum by (node) (rate(container_cpu_usage_seconds_total{agents}[{_WATCHED_SECONDS}s]))"
    )
    memory = _by_node(monitoring, f"sum by (node) (container_memory_working_set_bytes{agents}) / 1024 / 1024")
    assert cores.keys() == memory.keys() == {node.name for node in monitoring.lab.cluster_nodes()}
    return [(node, cores[node], memory[node]) for node in sorted(cores)]


def _by_node(monitoring: Monitoring, expression: str) -> dict[str, float]:
    return {one["metric"]["node"]: float(one["value"][1]) for one in monitoring.query(expression)}


def _logs(lab: Lab) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        flooded = flood(Cluster(lab), Logs(lab, Path(folder)), LINES)
    note = f"printed in {flooded.printed_seconds:.0f} s; {LINES / flooded.seconds:.0f} lines a second in all"
    return Figure(f"{LINES:,} lines, printed and found", flooded.seconds, LINES_SECONDS, note)


def _units(node: Node, monitoring: Monitoring) -> tuple[str, ...]:
    return (*_COLLECTORS, *_SERVERS) if node.name == monitoring.host.name else _COLLECTORS


def _used(node: Node, units: tuple[str, ...]) -> dict[str, _Use]:
    lines = node.run(_LOOK.format(units=" ".join(units))).stdout.splitlines()
    return {unit: _Use(int(ticks), int(kib)) for unit, ticks, kib in (line.split() for line in lines)}


def _mail(lab: Lab, monitoring: Monitoring) -> Figure:
    (name,) = lab.site.lab.memory_mib if lab.site.lab else ()
    mailbox = Mailbox(monitoring.host)
    with memory_in_use(lab.node(name)):
        began = time.monotonic()
        mailbox.wait_for("NodeMemoryHighUtilization", name, seconds=2 * MAIL_SECONDS)
        seconds = time.monotonic() - began
    return Figure("memory taken to mail arrived", seconds, MAIL_SECONDS)
