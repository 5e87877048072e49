"""What bounds the store of logs, tried on one with tiny limits: the oldest days go, the newest stay whole."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

PORT = 19428
URL = f"http://127.0.0.1:{PORT}"
UNIT = "amalgam-test-log-store"
FOLDER = f"/var/tmp/{UNIT}"
DAYS = 6
LINES = 20
"""Of each day, of 4 KiB that cannot be compressed much: some 45 KiB on disk."""
LIMIT_KIB = 160


@pytest.fixture
def host(lab: Lab) -> Iterator[Node]:
    """The host that has the program; what a test made there is taken away."""
    node = lab.node(lab.members("management")[0])
    try:
        yield node
    finally:
        node.run(f"systemctl stop {UNIT}; rm -rf {FOLDER}", check=False)


def _start(host: Node, *flags: str) -> None:
    arguments = f"-httpListenAddr=127.0.0.1:{PORT} -storageDataPath={FOLDER} -retentionPeriod=30d {' '.join(flags)}"
    host.run(f"systemctl stop {UNIT}", check=False)
    host.run(f"systemd-run --quiet --collect --unit {UNIT} /usr/local/bin/victoria-logs {arguments}")
    wait_until("the store answers", lambda: host.run(f"curl --silent {URL}/health", check=False).rc == 0, seconds=30)


def _days(host: Node) -> dict[str, int]:
    """Lines that are found of each day."""
    query = "query=* | stats by (day) count() lines"
    said = host.run(f"curl --silent --show-error --fail --data-urlencode '{query}' {URL}/select/logsql/query").stdout
    return {one["day"]: int(one["lines"]) for one in map(json.loads, said.splitlines())}


def test_the_oldest_days_go_when_the_disk_s_share_is_full(host: Node) -> None:
    days = [datetime.now(UTC) - timedelta(days=ago) for ago in range(DAYS)]
    lines = [
        json.dumps({"_time": day.isoformat(), "_msg": secrets.token_hex(2048), "day": f"{day:%F}"})
        for day in days
        for _ in range(LINES)
    ]
    _start(host)
    # A form's content type would have its body read as one.
    insert = "curl --silent --show-error --fail --header 'Content-Type: application/json' --data-binary @-"
    host.run(f"{insert} {URL}/insert/jsonline", stdin="\n".join(lines))
    assert _days(host) == {f"{day:%F}": LINES for day in days}

    _start(host, f"-retention.maxDiskSpaceUsageBytes={LIMIT_KIB}KiB")

    left = wait_until("the oldest days are gone", lambda: _days(host), lambda found: len(found) < DAYS, seconds=30)
    assert left == {f"{day:%F}": LINES for day in days[: len(left)]}
    assert len(left) >= 2
    kept = host.run(f"ls {FOLDER}/partitions").stdout.split()
    assert sorted(kept) == sorted(day.replace("-", "") for day in left)
