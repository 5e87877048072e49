"""Every host's journal goes to the store, and what the store has not taken waits on disk."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

from tests.e2e.support.waiting import wait_until

UNITS = ("vlagent", "systemd-journal-upload")


@pytest.mark.parametrize("unit", UNITS)
def test_agent_and_upload_run_for_ever_and_from_the_boot_on(each_host: Host, unit: str) -> None:
    service = each_host.service(unit)
    # The upload ends with any error, and begins anew two seconds later.
    wait_until(f"{unit} runs", lambda: service.is_running, seconds=30)
    assert service.is_enabled
    shown = each_host.check_output("systemctl show --property Restart --property StartLimitIntervalUSec %s", unit)
    assert set(shown.splitlines()) == {"Restart=always", "StartLimitIntervalUSec=0"}


def test_the_upload_does_not_wait_for_the_network(each_host: Host) -> None:
    after = each_host.check_output("systemctl show --property After --property Wants systemd-journal-upload")
    assert "network-online" not in after


def test_the_agent_is_reached_from_its_own_host_only(each_host: Host) -> None:
    assert each_host.socket("tcp://127.0.0.1:9429").is_listening
    assert not each_host.socket("tcp://0.0.0.0:9429").is_listening


def test_the_password_is_for_the_agent_alone(each_host: Host) -> None:
    file = each_host.file("/etc/amalgam/log_agent/password")
    assert (file.user, file.mode) == ("vlagent", 0o600)
    assert file.content_string not in each_host.check_output("ps -eo args")


def test_the_journal_is_kept_on_disk_and_its_position_too(each_host: Host) -> None:
    assert each_host.run("ls /var/log/journal/*/*.journal").rc == 0
    state = each_host.file("/var/lib/private/systemd/journal-upload/state")
    assert "LAST_CURSOR=" in state.content_string


def test_nothing_was_thrown_away(each_host: Host) -> None:
    metrics = each_host.check_output("curl --silent --fail http://127.0.0.1:9429/metrics").splitlines()
    dropped = [
        line
        for line in metrics
        if line.startswith(("vlagent_remotewrite_packets_dropped_total", "vm_persistentqueue_blocks_dropped_total"))
        and not line.endswith(" 0")
    ]
    assert dropped == []


def test_the_audit_log_is_read_where_there_is_one(each_control_plane: Host) -> None:
    said = json.loads(each_control_plane.file("/var/lib/vlagent/vlagent-file-checkpoints.json").content_string)
    assert [one["path"] for one in said] == ["/var/log/kubernetes/audit/audit.log"]


def test_the_agent_reads_the_audit_log_and_is_not_root(each_control_plane: Host) -> None:
    assert each_control_plane.process.get(comm="vlagent", user="vlagent")
    shown = each_control_plane.check_output("systemctl show --property AmbientCapabilities --value vlagent")
    assert shown == "cap_dac_read_search"
