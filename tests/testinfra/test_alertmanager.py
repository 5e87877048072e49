"""Alertmanager runs on the loopback interface, and what is silenced stays so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from testinfra.host import Host

URL = "http://127.0.0.1:9093/alertmanager"


def test_it_runs_and_starts_at_boot(management_host: Host) -> None:
    assert management_host.service("prometheus-alertmanager").is_running
    assert management_host.service("prometheus-alertmanager").is_enabled


def test_it_listens_on_the_loopback_interface_only_and_for_no_peers(management_host: Host) -> None:
    listening = management_host.check_output("ss --listening --tcp --udp --numeric --no-header --processes")
    own = [line.split()[4] for line in listening.splitlines() if "prometheus-aler" in line]
    assert own == ["127.0.0.1:9093"]


def test_its_files_are_good(management_host: Host) -> None:
    management_host.check_output("amtool check-config /etc/prometheus/alertmanager.yml")


def test_files_with_secrets_are_for_those_who_need_them(management_host: Host) -> None:
    for name in ("alertmanager.yml", "smtp/password"):
        file = management_host.file(f"/etc/prometheus/{name}")
        assert (file.mode, file.user, file.group) == (0o640, "root", "prometheus")


def test_a_silence_outlives_a_restart(management_host: Host) -> None:
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "alertname", "value": "NoSuchAlert", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=5)).isoformat(),
        "comment": "test",
        "createdBy": "test",
    }
    post = "curl --silent --fail --header 'Content-Type: application/json' --data %s %s"
    made = json.loads(management_host.check_output(post, json.dumps(body), f"{URL}/api/v2/silences"))["silenceID"]
    management_host.check_output("systemctl restart prometheus-alertmanager")
    ready = "curl --silent --fail --retry 20 --retry-connrefused --retry-delay 1 %s"
    found = json.loads(management_host.check_output(ready, f"{URL}/api/v2/silence/{made}"))
    assert found["status"]["state"] == "active"
    management_host.check_output("curl --silent --fail --request DELETE %s", f"{URL}/api/v2/silence/{made}")
