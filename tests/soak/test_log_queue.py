"""A log store that is away for longer than an agent's queue lasts: it is told, writers wait, nothing is missing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.support.log_queue import flood, metric
from tests.e2e.support.logs import Logs
from tests.e2e.support.memory import peak_mib
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(1200)

URL = "http://127.0.0.1:9429"
AT_ONCE = 10_000
QUEUE_MIB = 1024
UNDER_WAY_MIB = 40
"""A request's lines, and what others hand over at that moment."""
FILE_MIB = 512
"""The queue is in files of this size: what was read of the first one is there until its end."""
LATE_LINES = 1000
AGENT_MIB = 256

_AGENT = "systemctl show --property MainPID --value vlagent"


@contextmanager
def _no_store(logs: Logs) -> Iterator[None]:
    logs.host.run("systemctl stop victoria-logs")
    try:
        yield
    finally:
        logs.host.run("systemctl start victoria-logs")


def _restarts(node: Node) -> str:
    return node.run("systemctl show --property NRestarts --value vlagent").stdout.strip()


def test_a_full_queue_lets_its_writers_wait_and_tells_it(lab: Lab, tmp_path: Path) -> None:
    logs, monitoring, worker = Logs(lab, tmp_path), Monitoring(lab), lab.node(lab.members("workers")[0])
    said, restarts = f"flood-{secrets.token_hex(6)}", _restarts(worker)
    with _no_store(logs):
        flooded = flood(worker, URL, said, at_once=AT_ONCE)
        worker.run(f"for n in $(seq {LATE_LINES}); do echo {said} $n; done | systemd-cat --identifier {said}")
        wait_until(
            "a full queue is told", lambda: monitoring.alerts("LogAgentQueueFull", node=worker.name), seconds=180
        )
        pending = metric(worker, URL, "vlagent_remotewrite_pending_data_bytes") >> 20
        on_disk = int(worker.run("du --summarize --block-size 1M /var/lib/vlagent").stdout.split()[0])
    assert (flooded.refused, flooded.taken > 0) == (429, True)
    assert QUEUE_MIB <= pending <= QUEUE_MIB + UNDER_WAY_MIB
    assert on_disk <= QUEUE_MIB + UNDER_WAY_MIB + FILE_MIB
    logs.await_messages(f'SYSLOG_IDENTIFIER:="{said}"', LATE_LINES, seconds=600)
    (found,) = logs.search(
        "--logsql", f'flood:="{said}" number:<{flooded.taken} | stats count_uniq_hash(number) numbers'
    )
    assert int(found["numbers"]) == flooded.taken
    assert (_restarts(worker), peak_mib(worker, _AGENT) < AGENT_MIB) == (restarts, True)
