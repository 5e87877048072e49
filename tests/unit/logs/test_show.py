from __future__ import annotations

import pytest

from amalgam.logs.show import shown, speaker
from amalgam.logs.store import Line

POD: Line = {
    "_time": "2030-01-31T12:00:00.123456789Z",
    "_msg": "step 1",
    "log": "pods",
    "node": "n1",
    "kubernetes.pod_namespace": "vision",
    "kubernetes.pod_name": "trainer-0",
    "kubernetes.container_name": "main",
}
EVENT: Line = {
    "log": "events",
    "kubernetes.pod_namespace": "vision",
    "object_kind": "Job",
    "object_name": "a",
    "reason": "Failed",
}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (POD, "vision/trainer-0/main"),
        ({"log": "journal", "_SYSTEMD_UNIT": "kubelet.service", "SYSLOG_IDENTIFIER": "kubelet"}, "kubelet.service"),
        ({"log": "journal", "SYSLOG_IDENTIFIER": "kernel", "_TRANSPORT": "kernel"}, "kernel"),
        ({"log": "audit", "user.username": "alice", "verb": "create"}, "audit/alice/create"),
        (EVENT, "event/vision/Job/a/Failed"),
        ({"log": "events", "object_kind": "Node", "object_name": "n1", "reason": "Rebooted"}, "event/Node/n1/Rebooted"),
        ({}, "-"),
    ],
)
def test_one_sees_who_said_it(line: Line, wanted: str) -> None:
    assert speaker(line) == wanted


def test_a_line_says_when_where_who_and_what() -> None:
    text = shown(POD).plain
    assert ":00.123" in text
    assert text.endswith(" n1 vision/trainer-0/main step 1")


def test_what_a_container_printed_beside_its_message_is_shown() -> None:
    klog = {"level": "ERROR", "err": "not found", "source_line": "replica_set.go:640", "thread_id": "1"}
    assert shown({**POD, **klog, "attempt": "2"}).plain.endswith(" step 1 err=not found attempt=2")


def test_what_is_known_of_a_host_s_line_stays_with_programs() -> None:
    assert shown({"log": "journal", "_msg": "gone", "PRIORITY": "3", "_PID": "7"}).plain.endswith(" gone")


def test_a_program_cannot_command_the_reader_s_terminal() -> None:
    text = shown({"_msg": "\x1b[2Jgone\r\x07\x9b31m", "node": "\x1b]0;title\x07"}).plain
    assert not {"\x1b", "\r", "\x07", "\x9b"} & set(text)
    assert "\\x1b[2Jgone\\x0d\\x07" in text


def test_lines_within_a_message_stay_lines() -> None:
    assert "first\n\tsecond" in shown({"_msg": "first\n\tsecond"}).plain


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    assert shown({"_time": "soon", "_msg": "x"}).plain.startswith("soon ")


def test_a_count_is_shown_with_its_names() -> None:
    assert shown({"log": "pods", "n": "12"}).plain == "log=pods n=12"
