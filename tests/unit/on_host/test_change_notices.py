"""Restarts that a killed run left undone are called for again."""

from __future__ import annotations

import pytest

from amalgam.on_host import change_notices

RULES = [("etc/haproxy/.+", ["Restart haproxy", "Reload nftables"]), ("etc/motd", ["Say"])]


@pytest.fixture
def notices(tmp_path, monkeypatch):
    """The module, with its notes in a temporary folder, and ``systemctl show`` answering from ``notices.started``."""
    monkeypatch.setattr(change_notices, "NOTES", tmp_path / "run/handlers-due.json")
    monkeypatch.setattr(change_notices, "started", tmp_path / "started", raising=False)
    change_notices.started.write_text("LoadState=loaded\nInactiveExitTimestampMonotonic=5\n")
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$3" = haproxy ] && cat {change_notices.started}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return change_notices


def test_each_handler_of_a_changed_path_is_called_once(notices):
    assert notices.handlers_for(RULES, ["etc/haproxy/a", "etc/haproxy/b"]) == ["Restart haproxy", "Reload nftables"]
    assert notices.handlers_for(RULES, ["etc/haproxy", "etc/motd.d/x"]) == []


def test_a_restart_that_never_came_is_overdue_until_the_unit_has_started(notices):
    notices.begin(["Restart haproxy", "Reload nftables"])
    notices.finish(["Restart haproxy", "Reload nftables"])
    assert notices.overdue(RULES, check_mode=False) == ["Restart haproxy"]
    notices.started.write_text("LoadState=loaded\nInactiveExitTimestampMonotonic=99999999999999999\n")
    assert notices.overdue(RULES, check_mode=False) == []
    assert notices.NOTES.read_text() == "{}"


def test_changes_that_were_killed_halfway_need_a_restart_whenever_the_unit_started(notices):
    notices.begin(["Restart haproxy"])
    notices.started.write_text("LoadState=loaded\nInactiveExitTimestampMonotonic=99999999999999999\n")
    assert notices.overdue(RULES, check_mode=True) == ["Restart haproxy"]


def test_a_unit_that_is_not_there_needs_no_restart(notices):
    notices.begin(["Restart haproxy"])
    notices.started.write_text("LoadState=not-found\nInactiveExitTimestampMonotonic=0\n")
    assert notices.overdue(RULES, check_mode=True) == []
    assert "haproxy" in notices.NOTES.read_text()


def test_another_roles_notes_are_left_alone(notices):
    notices.begin(["Restart haproxy"])
    assert notices.overdue([("etc/motd", ["Restart other"])], check_mode=False) == []
    assert notices.overdue(RULES, check_mode=False) == ["Restart haproxy"]
