"""An agent whose queue is full, tried on one with a tiny queue: it takes no more, and loses nothing of what it took."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.support.log_queue import flood, metric
from tests.e2e.support.nodes import Lab
from tests.e2e.support.own_log_unit import OwnLogUnit, own_log_store
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

QUEUE_MIB = 8
BLOCK_MIB = 1
UNDER_WAY_MIB = 3
"""What was taken before the queue was full: a block that gathers, a request, a part of the file."""
LINES = 4_000
"""Of the file: 6 MB even when they are compressed, more than what was under way."""


@pytest.fixture
def store(lab: Lab) -> Iterator[OwnLogUnit]:
    with own_log_store(lab) as unit:
        yield unit


@pytest.fixture
def agent(store: OwnLogUnit) -> Iterator[OwnLogUnit]:
    unit = OwnLogUnit(store.host, "vlagent", 19429)
    yield unit
    unit.remove()


def _start(agent: OwnLogUnit, store: OwnLogUnit) -> None:
    agent.start(
        f"-tmpDataPath={agent.folder}",
        f"-remoteWrite.url={store.url}/insert/native",
        f"-remoteWrite.maxDiskUsagePerURL={QUEUE_MIB}MiB",
        f"-remoteWrite.maxBlockSize={BLOCK_MIB}MiB",
        "-remoteWrite.retryMaxTime=1s",
        "-remoteWrite.queues=1",
        f"-fileCollector.glob={agent.folder}/*.log",
        '-fileCollector.extraFields={"log":"file"}',
        "-fileCollector.streamFields=log",
    )


def _assert_full(agent: OwnLogUnit) -> None:
    """It says so, refuses, and has not grown beyond its limit by more than what was under way."""
    assert metric(agent.host, agent.url, "vlagent_remotewrite_queue_blocked") == 1
    assert flood(agent.host, agent.url, "too-late", at_once=1).refused == 429
    waiting = metric(agent.host, agent.url, "vlagent_remotewrite_pending_data_bytes") / (1 << 20)
    assert QUEUE_MIB <= waiting <= QUEUE_MIB + UNDER_WAY_MIB


def _numbers(store: OwnLogUnit, query: str) -> int:
    (found,) = store.query(f"{query} | stats count_uniq(number) numbers").splitlines()
    return int(json.loads(found)["numbers"])


def test_a_full_queue_takes_no_more_and_has_all_that_it_took(agent: OwnLogUnit, store: OwnLogUnit) -> None:
    _start(agent, store)
    flooded = flood(agent.host, agent.url, "early", at_once=1000)
    assert flooded.refused == 429
    assert flooded.taken > 0
    lines = (
        json.dumps({"number": number, "_msg": base64.b64encode(secrets.token_bytes(1500)).decode()})
        for number in range(LINES)
    )
    agent.host.run(f"cat > {agent.folder}/{agent.name}.log", stdin="\n".join(lines) + "\n")
    _assert_full(agent)
    agent.kill()
    _start(agent, store)
    _assert_full(agent)
    agent.stop()
    _start(agent, store)
    store.start(f"-storageDataPath={store.folder}")
    wait_until("the file is there", lambda: _numbers(store, "log:=file"), lambda found: found == LINES, seconds=60)
    assert _numbers(store, f"flood:=early number:<{flooded.taken}") == flooded.taken
    assert metric(agent.host, agent.url, "vm_persistentqueue_bytes_dropped_total") == 0
    assert metric(agent.host, agent.url, "vlagent_remotewrite_queue_blocked") == 0
