"""Prometheus is told what is known, and not what was known once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cluster_state.api import Page
from cluster_state.cache import Cache
from cluster_state.exposition import STALE_SECONDS, Exposition
from cluster_state.resources import RESOURCES
from cluster_state.server import server

from tests.unit.cluster_state.conftest import ROOT, ApiServer, Credentials, recorded

_SERIES = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\n"])*",?)+\})? -?[0-9.e+-]+')


class Known:
    """All that was recorded, heard of at times that a test may change."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.watchers: list[Any] = []
        caches = []
        for resource in RESOURCES:
            cache = Cache(resource)
            kind = resource.path.rpartition("/")[2]
            cache.replace([Page(recorded(kind), "1")])
            self.watchers.append(SimpleNamespace(name=kind, synced=1000.0, errors=0))
            caches.append((self.watchers[-1], cache))
        self.events = SimpleNamespace(name="events", synced=1000.0, errors=2)
        courier = SimpleNamespace(delivered=5, errors=1)
        self.exposition = Exposition(caches, (self.events, courier), lambda: self.now)

    def text(self) -> str:
        return "".join(self.exposition.text())


@pytest.fixture
def known() -> Known:
    return Known()


def test_every_line_is_one_that_prometheus_reads_and_every_series_is_told_once(known: Known) -> None:
    lines = known.text().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    assert len(series) > 80
    assert [line for line in series if not _SERIES.fullmatch(line)] == []
    assert len({line.rpartition(" ")[0] for line in series}) == len(series)
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(families)) == len(families)
    assert {re.match("[a-z_]+", line)[0] for line in series} <= set(families)


def test_it_tells_of_itself(known: Known) -> None:
    told = known.text()
    assert 'cluster_state_watch_errors_total{resource="events"} 2\n' in told
    assert 'cluster_state_last_sync_timestamp_seconds{resource="pods"} 1000\n' in told
    assert 'cluster_state_objects{resource="pods"} 3\n' in told
    assert "cluster_state_events_delivered_total 5\n" in told
    assert "cluster_state_event_delivery_errors_total 1\n" in told


def test_what_was_not_confirmed_for_too_long_is_left_out_and_the_rest_stays(known: Known) -> None:
    known.now = 1000.0 + STALE_SECONDS
    assert "\nkube_pod_info{" in known.text()
    known.watchers[0].synced = known.now = 1001.0 + STALE_SECONDS
    told = known.text()
    assert "\nkube_node_info{" in told
    assert "kube_pod_info" not in told
    assert 'cluster_state_last_sync_timestamp_seconds{resource="pods"} 1000\n' in told
    assert "pods" in known.exposition.stale()
    assert "nodes" not in known.exposition.stale()


@pytest.fixture
def url(known: Known) -> Iterator[str]:
    httpd = server(("127.0.0.1", 0), known.exposition)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_web_server_has_the_series_and_says_whether_all_is_in_step(known: Known, url: str) -> None:
    assert _get(f"{url}/metrics") == (200, known.text())
    assert _get(f"{url}/ready") == (200, "in step\n")
    known.events.synced = 0
    assert _get(f"{url}/ready") == (503, "not in step: events\n")
    assert _get(f"{url}/")[0] == 404


def test_the_program_as_its_unit_starts_it_comes_in_step(
    api_server: ApiServer, credentials: Credentials, tmp_path: Path
) -> None:
    unit = (ROOT / "roles/cluster_state/templates/etc/systemd/system/cluster-state.service.j2").read_text()
    options = re.search(r"ExecStart=/usr/bin/python3 (.*) /", unit)[1].split()
    settings = tmp_path / "settings.json"
    content = {
        "cluster": "test",
        "servers": [["127.0.0.1", api_server.port]],
        "ca_file": str(credentials.ca),
        "token_file": str(credentials.token),
        "listen": ["127.0.0.1", 0],
        "log_url": "",
        "position_file": str(tmp_path / "position"),
    }
    settings.write_text(json.dumps(content))
    path = str(ROOT / "roles/cluster_state/templates/usr/local/lib/amalgam")
    command = [sys.executable, *options, str(settings)]
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=tmp_path) as program:
        try:
            until = time.monotonic() + 20
            while len({path for path, _, _ in api_server.asked}) < len(RESOURCES) and time.monotonic() < until:
                assert program.poll() is None, program.stderr.read().decode()
                time.sleep(0.05)
        finally:
            program.terminate()
    assert {path for path, _, _ in api_server.asked} == {resource.path for resource in RESOURCES}


def test_it_needs_python_alone() -> None:
    files = list((ROOT / "roles/cluster_state/templates/usr/local/lib/amalgam/cluster_state").rglob("*.py"))
    assert len(files) > 15
    imports = {
        re.split("[ .]", line)[1]
        for file in files
        for line in file.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imports - sys.stdlib_module_names == {"cluster_state"}
