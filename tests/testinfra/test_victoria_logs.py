"""The store of logs answers on the loopback alone, within its bounds, and takes nothing from strangers."""

from __future__ import annotations

from testinfra.host import Host

from tests.e2e.support import monitoring_web
from tests.testinfra.http import status
from tests.testinfra.site_facts import SiteFacts

UNIT = "victoria-logs"


def _show(host: Host, name: str) -> str:
    return str(host.check_output("systemctl show --property %s --value %s", name, UNIT))


def test_the_store_runs_and_starts_at_boot(management_host: Host) -> None:
    service = management_host.service(UNIT)
    assert service.is_running
    assert service.is_enabled


def test_it_is_reached_from_its_own_host_only(management_host: Host) -> None:
    assert management_host.socket("tcp://127.0.0.1:9428").is_listening
    assert not management_host.socket("tcp://0.0.0.0:9428").is_listening


def test_it_can_write_to_its_lines_alone_and_has_no_capability(management_host: Host) -> None:
    assert management_host.process.get(comm=UNIT).user == UNIT
    folder = management_host.file("/var/lib/victoria-logs")
    assert (folder.user, folder.mode) == (UNIT, 0o750)
    assert _show(management_host, "ProtectSystem") == "strict"
    assert _show(management_host, "CapabilityBoundingSet") == ""


def test_time_disk_and_memory_are_bounded(management_host: Host) -> None:
    assert int(_show(management_host, "MemoryMax")) <= 2**31
    command = _show(management_host, "ExecStart")
    for flag in ("-retentionPeriod=", "-retention.maxDiskSpaceUsageBytes=", "-memory.allowedBytes="):
        assert flag in command


def test_nothing_of_it_is_reached_without_a_password(each_host: Host, facts: SiteFacts) -> None:
    url = monitoring_web.url(facts.site)
    assert status(each_host, f"{url}/logs/select/logsql/query?query=*") == "401"
    assert status(each_host, f"{url}/insert/native?version=v1", "--request", "POST", "--data", "") == "401"
