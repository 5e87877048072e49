"""A log store that is away for longer than an agent's queue lasts: the oldest lines go, it is told, and all goes on."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.support.logs import Logs
from tests.e2e.support.memory import peak_mib
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(1200)

LINES = 1_000_000
"""2 GB, of which compression leaves three quarters: half as much again as a queue holds."""
QUEUE_MIB = 1024
FILE_MIB = 512
"""The queue is in files of this size: what was read of the first one is there until its end."""
BLOCK_LINES = 2000
"""More than the agent sends at once: 2 MiB."""
AGENT_MIB = 256

_AGENT = "systemctl show --property MainPID --value vlagent"

# Numbered lines that hardly get smaller, 10,000 in each request; what is answered was taken.
_FLOOD = """
import base64, json, os, sys, urllib.request
said, lines, at_once = sys.argv[1], int(sys.argv[2]), 10_000
url = "http://127.0.0.1:9429/insert/jsonline?_stream_fields=flood&_msg_field=message"
for start in range(0, lines, at_once):
    numbered = range(start, min(start + at_once, lines))
    body = "".join(
        json.dumps({"flood": said, "number": number, "message": base64.b64encode(os.urandom(1500)).decode()}) + "\\n"
        for number in numbered
    )
    # Without a type of its own it would be a form, and be read as one.
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/stream+json"})
    urllib.request.urlopen(request, timeout=120).close()
"""


@contextmanager
def _no_store(logs: Logs) -> Iterator[None]:
    logs.host.run("systemctl stop victoria-logs")
    try:
        yield
    finally:
        logs.host.run("systemctl start victoria-logs")


def _metric(node: Node, name: str) -> int:
    """The sum of a metric of the node's agent."""
    lines = node.run("curl --silent --fail http://127.0.0.1:9429/metrics").stdout.splitlines()
    return sum(round(float(line.split()[-1])) for line in lines if line.startswith(f"{name}{{"))


def _restarts(node: Node) -> str:
    return node.run("systemctl show --property NRestarts --value vlagent").stdout.strip()


def _count(logs: Logs, query: str) -> tuple[int, int]:
    (found,) = logs.search("--logsql", f"{query} | stats count() lines, count_uniq_hash(number) numbers")
    return int(found["lines"]), int(found["numbers"])


def test_a_queue_that_is_full_loses_the_oldest_lines_alone_and_tells_it(lab: Lab, tmp_path: Path) -> None:
    logs, monitoring, worker = Logs(lab, tmp_path), Monitoring(lab), lab.node(lab.members("workers")[0])
    said, restarts = f"flood-{secrets.token_hex(6)}", _restarts(worker)
    with _no_store(logs):
        worker.run(f"python3 -c {shlex.quote(_FLOOD)} {said} {LINES}", seconds=600)
        pending = _metric(worker, "vm_persistentqueue_bytes_pending")
        on_disk = int(worker.run("du --summarize --block-size 1M /var/lib/vlagent").stdout.split()[0])
        dropped = _metric(worker, "vm_persistentqueue_bytes_dropped_total")
        wait_until("lost lines are told", lambda: monitoring.alerts("LogAgentDropping", node=worker.name), seconds=120)
    assert pending >> 20 <= QUEUE_MIB
    assert on_disk <= QUEUE_MIB + FILE_MIB
    assert dropped > 0
    worker.run(f"logger --tag amalgam-test {said} is over")
    logs.await_line(f"{said} is over", "--source", "journal", seconds=600)
    lines, numbers = _count(logs, f'flood:="{said}"')
    assert LINES // 2 < numbers < LINES
    # One block of older lines may have been under way, and is tried again.
    newest = numbers - BLOCK_LINES
    assert _count(logs, f'flood:="{said}" number:>={LINES - newest}') == (newest, newest)
    assert lines - numbers <= BLOCK_LINES
    assert (_restarts(worker), peak_mib(worker, _AGENT) < AGENT_MIB) == (restarts, True)
