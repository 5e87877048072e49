"""Each event becomes a line that belongs to its namespace, and no restart, refusal or backup loses one."""

from __future__ import annotations

import http.server
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cluster_state.api import Page
from cluster_state.delivery import Courier, DeliveryError, Feed
from cluster_state.events import record
from cluster_state.log_store import LogStore
from cluster_state.position import Position

from tests.e2e.support.ports import reserved
from tests.unit.cluster_state.conftest import recorded, serving

Object = dict[str, Any]


def _recorded(reason: str) -> Object:
    return next(one for one in recorded("events") if one["reason"] == reason)


def _event(position: int, uid: str = "") -> Object:
    metadata = {
        "uid": uid or f"uid-{position}",
        "resourceVersion": str(position),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": metadata, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "v"}, "message": "m"}


class Log:
    """What it was given; it refuses as often as it is told to."""

    def __init__(self) -> None:
        self.lines: list[Object] = []
        self.batches = 0
        self.refusals = 0

    def deliver(self, content: bytes) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeliveryError("not now")
        self.batches += 1
        self.lines += map(json.loads, content.splitlines())

    @property
    def uids(self) -> list[str]:
        return [one["event_uid"] for one in self.lines]


class Run:
    """One life of the program: what its feed is told is delivered when ``end`` is called."""

    def __init__(self, file: Path, log: Log) -> None:
        self.position = Position(file)
        self.feed = Feed(self.position.value)
        self.pauses: list[float] = []
        self.courier = Courier(self.feed.steps, log.deliver, self.position, self.pauses.append)

    def end(self) -> None:
        while not self.feed.steps.empty():
            self.courier.step()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def start(tmp_path: Path, log: Log) -> Callable[[], Run]:
    return lambda: Run(tmp_path / "position", log)


def test_an_event_of_a_pod_is_the_pods_namespaces() -> None:
    event = _recorded("Scheduled")
    assert record(event) == {
        "time": event["lastTimestamp"],
        "message": event["message"],
        "kubernetes.pod_namespace": "kube-system",
        "kubernetes.pod_name": event["involvedObject"]["name"],
        "level": "info",
        "reason": "Scheduled",
        "type": "Normal",
        "count": 1,
        "event_uid": event["metadata"]["uid"],
        "object_kind": "Pod",
        "object_name": event["involvedObject"]["name"],
        "component": "default-scheduler",
    }


def test_an_event_of_a_claim_is_its_namespaces_and_no_pods() -> None:
    line = record(_recorded("ProvisioningFailed"))
    assert (line["kubernetes.pod_namespace"], line["level"], line["object_kind"]) == (
        "vision",
        "warning",
        "PersistentVolumeClaim",
    )
    assert "kubernetes.pod_name" not in line
    assert line["count"] > 1


def test_an_event_of_a_node_is_nobodys_but_the_nodes() -> None:
    line = record(_recorded("NodeNotReady"))
    assert line["node"] == "gpu1"
    assert "kubernetes.pod_namespace" not in line, "its own namespace, default, says nothing"


def test_an_event_that_a_kubelet_reports_names_its_node() -> None:
    assert record(_recorded("Test"))["node"] == "gpu1"
    newer = _event(1) | {"reportingComponent": "kubelet", "reportingInstance": "gpu2"}
    assert record(newer)["node"] == "gpu2"
    assert "node" not in record(newer | {"reportingComponent": "default-scheduler"})


@pytest.mark.parametrize(
    ("fields", "time", "count"),
    [
        ({"lastTimestamp": "L", "eventTime": "E", "count": 7}, "L", 7),
        ({"lastTimestamp": None, "eventTime": "E", "series": {"lastObservedTime": "S", "count": 4}}, "S", 4),
        ({"eventTime": "E"}, "E", 1),
        ({}, "2026-01-01T00:00:00Z", 1),
    ],
)
def test_when_and_how_often_is_read_from_whichever_field_says_it(fields: Object, time: str, count: int) -> None:
    line = record(_event(1) | fields)
    assert (line["time"], line["count"]) == (time, count)


def test_an_event_without_a_message_still_has_one() -> None:
    assert record(_event(1) | {"message": "", "reason": "Pulled"})["message"] == "Pulled"


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is gathered for so long; a machine that stalls would make two of it."""
    monkeypatch.setattr("cluster_state.delivery.time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.mark.usefixtures("_no_time_passes")
def test_a_list_is_delivered_in_the_order_in_which_things_happened(start: Callable[[], Run], log: Log) -> None:
    run = start()
    assert run.feed.replace([Page([_event(5), _event(3)], "9"), Page([_event(4)], "9")]) == "9"
    run.end()
    assert log.uids == ["uid-3", "uid-4", "uid-5"]
    assert run.position.value == 9
    assert log.batches == 1


def test_an_event_that_happens_again_is_delivered_again_and_one_that_is_forgotten_is_not(
    start: Callable[[], Run], log: Log
) -> None:
    run = start()
    run.feed.replace([Page([_event(3, "a")], "3")])
    run.feed.change("MODIFIED", _event(4, "a"))
    run.feed.change("ADDED", _event(5, "b"))
    run.feed.change("DELETED", _event(6, "a"))
    run.end()
    assert log.uids == ["a", "a", "b"]
    assert run.position.value == 6


def test_a_restart_neither_repeats_nor_loses_one(start: Callable[[], Run], log: Log) -> None:
    run = start()
    run.feed.replace([Page([_event(1), _event(2)], "2")])
    run.end()
    again = start()
    again.feed.replace([Page([_event(2), _event(1), _event(3)], "3")])
    again.end()
    assert log.uids == ["uid-1", "uid-2", "uid-3"]


def test_what_waited_when_it_was_killed_is_delivered_by_the_next_start(start: Callable[[], Run], log: Log) -> None:
    start().feed.replace([Page([_event(1)], "1")])
    assert log.lines == []
    again = start()
    again.feed.replace([Page([_event(1)], "1")])
    again.end()
    assert log.uids == ["uid-1"]


def test_a_second_list_in_one_life_passes_over_what_was_told(start: Callable[[], Run], log: Log) -> None:
    run = start()
    run.feed.replace([Page([_event(1)], "1")])
    run.feed.change("ADDED", _event(2))
    run.feed.replace([Page([_event(1), _event(2), _event(3)], "3")])
    run.end()
    assert log.uids == ["uid-1", "uid-2", "uid-3"]


def test_the_events_of_a_cluster_that_was_restored_from_a_backup_are_not_taken_for_old_ones(
    start: Callable[[], Run], log: Log
) -> None:
    run = start()
    run.feed.replace([Page([_event(90)], "100")])
    run.feed.replace([Page([_event(40)], "50")])
    run.end()
    assert log.uids == ["uid-90", "uid-40"]
    assert start().position.value == 50


def test_a_refused_batch_is_tried_until_it_is_taken_and_only_then_is_the_position_written(
    start: Callable[[], Run], log: Log, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    log.refusals = 7
    run = start()
    run.feed.replace([Page([_event(1)], "1")])
    run.courier._pause = lambda seconds: (run.pauses.append(seconds), _assert_absent(tmp_path / "position"))
    run.end()
    assert log.uids == ["uid-1"]
    assert run.pauses == [1, 2, 4, 8, 16, 30, 30]
    assert (run.courier.errors, run.courier.delivered) == (7, 1)
    assert capsys.readouterr().err == "events: not now\n"
    assert (tmp_path / "position").read_text() == "1\n"


def _assert_absent(file: Path) -> None:
    assert not file.exists()


def test_bookmarks_move_the_position_and_deliver_nothing(start: Callable[[], Run], log: Log) -> None:
    run = start()
    run.feed.bookmark("7")
    run.end()
    assert (log.batches, start().position.value) == (0, 7)


@pytest.mark.usefixtures("_no_time_passes")
def test_a_large_list_is_delivered_in_batches(start: Callable[[], Run], log: Log) -> None:
    run = start()
    run.feed.replace([Page([_event(number) for number in range(1, 1201)], "1200")])
    run.end()
    assert (len(log.lines), log.batches) == (1200, 3)


@pytest.mark.parametrize("content", ["", "x", "1.5", "-3", "\0\0"])
def test_a_position_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "position").write_text(content)
    assert Position(tmp_path / "position").value == 0


def test_a_full_disk_stops_no_event(start: Callable[[], Run], log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start()

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(run.position, "move", full)
    run.feed.replace([Page([_event(1)], "1")])
    run.end()
    assert log.uids == ["uid-1"]


@pytest.mark.parametrize("status", [200, 204, 400, 503])
def test_the_log_takes_lines_as_its_agent_reads_them_and_200_alone_counts(status: int) -> None:
    got: list[tuple[str, str, bytes]] = []

    class Agent(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Agent) as port:
        store = LogStore(f"http://127.0.0.1:{port}", "site-a")
        if status == 200:
            store.deliver(b'{"a":1}\n')
        else:
            with pytest.raises(DeliveryError, match=str(status)):
                store.deliver(b'{"a":1}\n')
    keys = "_time_field=time&_msg_field=message&_stream_fields=cluster,log,kubernetes.pod_namespace"
    assert got == [
        (
            f"/insert/jsonline?{keys}&extra_fields=cluster=site-a,log=events",
            "application/stream+json",
            b'{"a":1}\n',
        )
    ]


def test_an_agent_that_is_away_is_no_end() -> None:
    with reserved() as port, pytest.raises(DeliveryError, match="refused"):
        LogStore(f"http://127.0.0.1:{port}", "site-a").deliver(b"{}\n")
