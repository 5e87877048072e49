"""What bounds the store of logs, tried on one with tiny limits: the oldest days go, the newest stay whole."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.support.nodes import Lab
from tests.e2e.support.own_log_unit import OwnLogUnit, own_log_store
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

DAYS = 6
LINES = 20
"""Of each day, of 4 KiB that cannot be compressed much: some 45 KiB on disk."""
LIMIT_KIB = 160


@pytest.fixture
def store(lab: Lab) -> Iterator[OwnLogUnit]:
    with own_log_store(lab) as unit:
        yield unit


def _start(store: OwnLogUnit, *flags: str) -> None:
    store.start(f"-storageDataPath={store.folder}", *flags)


def _days(store: OwnLogUnit) -> dict[str, int]:
    """Lines that are found of each day."""
    said = store.query("* | stats by (day) count() lines")
    return {one["day"]: int(one["lines"]) for one in map(json.loads, said.splitlines())}


def _fill(store: OwnLogUnit) -> list[datetime]:
    """Start it, and give it lines of several days, the newest first."""
    days = [datetime.now(UTC) - timedelta(days=ago) for ago in range(DAYS)]
    lines = [
        json.dumps({"_time": day.isoformat(), "_msg": secrets.token_hex(2048), "day": f"{day:%F}"})
        for day in days
        for _ in range(LINES)
    ]
    _start(store, "-retentionPeriod=30d")
    # A form's content type would have its body read as one.
    insert = "curl --silent --show-error --fail --header 'Content-Type: application/json' --data-binary @-"
    store.host.run(f"{insert} {store.url}/insert/jsonline", stdin="\n".join(lines))
    assert _days(store) == {f"{day:%F}": LINES for day in days}
    store.stop()
    return days


def test_lines_go_when_they_are_older_than_they_are_kept(store: OwnLogUnit) -> None:
    days = _fill(store)

    _start(store, "-retentionPeriod=2d")

    # Of the day on which two days ago was, all of it.
    assert _days(store) == {f"{day:%F}": LINES for day in days[:3]}


def test_the_oldest_days_go_when_the_disk_s_share_is_full(store: OwnLogUnit) -> None:
    days = _fill(store)

    _start(store, "-retentionPeriod=30d", f"-retention.maxDiskSpaceUsageBytes={LIMIT_KIB}KiB")

    left = wait_until("the oldest days are gone", lambda: _days(store), lambda found: len(found) < DAYS, seconds=30)
    assert left == {f"{day:%F}": LINES for day in days[: len(left)]}
    assert len(left) >= 2
    wait_until(
        "their folders are gone, too",
        lambda: sorted(store.host.run(f"ls {store.folder}/partitions").stdout.split()),
        lambda kept: kept == sorted(day.replace("-", "") for day in left),
        seconds=30,
    )
