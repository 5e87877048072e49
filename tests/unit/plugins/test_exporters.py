"""From what the makers' exporters print to the series of chips: by the role's own files, in a real Prometheus.

Neither exporter runs here: the texts have the form that dcgm-exporter 4 and npu-exporter 7 print by their documentation
and source, once while pods hold a chip of each, once when they have ended. A server on this machine stands for the
gateways, and like them takes clients of the site's authority only. Of what the role writes, folders and intervals alone
are changed.
"""

from __future__ import annotations

import http.server
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from amalgam.pki import Credential, ServerName, issue, make_authority
from tests.e2e.support.ports import reserved
from tests.e2e.support.waiting import wait_until
from tests.unit.alerting.programs import program
from tests.unit.plugins.conftest import LAYERS, ROOT, Play
from tests.unit.plugins.test_monitoring_roles import PROMETHEUS

PRINTED = ROOT / "tests/fixtures/exporters"
SITE = {
    "prometheus_targets": LAYERS["prometheus_targets"],
    "site_host_addresses": [{"name": name, "address": "127.0.0.1"} for name in ("gpu1", "npu1")],
    "site_dcgm_hosts": ["gpu1"],
    "site_npu_exporter_hosts": ["npu1"],
    "site_control_plane_addresses": [],
    "site_node_addresses": [],
    "site_management_addresses": [],
    "site_registry_backend": "none",
    "ceph_hosts": [],
}
MIB = 1024 * 1024

Labels = frozenset[tuple[str, str]]
Recorded = dict[Labels, dict[str, float]]
"""Labels of a chip's series → name of each → value."""


def chip(vendor: str, node: str, number: str, pod: str = "") -> Labels:
    """The labels of a chip's series, whoever told them; ``pod`` with its namespace."""
    namespace, _, name = pod.partition("/")
    held = {"namespace": namespace, "pod": name} if pod else {}
    return frozenset(({"vendor": vendor, "node": node, "chip": number} | held).items())


HELD_GPU, GPU, OTHER_GPU = (
    chip("nvidia", "gpu1", "0", "vision/train-0"),
    chip("nvidia", "gpu1", "0"),
    chip("nvidia", "gpu1", "1"),
)
HELD_NPU, NPU, OTHER_NPU = (
    chip("ascend", "npu1", "0", "nlp/tune-0"),
    chip("ascend", "npu1", "0"),
    chip("ascend", "npu1", "1"),
)
RECORDED = {
    HELD_GPU: {
        "accelerator:pod:info": 1,
        "accelerator_utilization:ratio": 0.87,
        "accelerator_memory_used:bytes": 61440 * MIB,
        "accelerator_memory_total:bytes": (61440 + 20119) * MIB,
        "accelerator_temperature:celsius": 61,
        "accelerator_power:watts": 512.375,
        "accelerator_healthy": 1,
        "accelerator_ecc_errors:increase1h": 0,
    },
    # Without the pod: counted on from one to the next.
    GPU: {"accelerator_ecc_errors:total": 2, "accelerator_xid:last": 0},
    OTHER_GPU: {
        "accelerator:pod:info": 1,
        "accelerator_utilization:ratio": 0,
        "accelerator_memory_used:bytes": 4 * MIB,
        "accelerator_memory_total:bytes": (4 + 81555) * MIB,
        "accelerator_temperature:celsius": 33,
        "accelerator_power:watts": 71.25,
        "accelerator_healthy": 1,
        "accelerator_xid:last": 0,
        "accelerator_ecc_errors:total": 0,
        "accelerator_ecc_errors:increase1h": 0,
    },
    HELD_NPU: {
        "accelerator:pod:info": 1,
        "accelerator_utilization:ratio": 0.64,
        "accelerator_memory_used:bytes": 30720 * MIB,
        "accelerator_memory_total:bytes": 65536 * MIB,
        "accelerator_temperature:celsius": 48,
        "accelerator_power:watts": 173.8000030517578,
        "accelerator_healthy": 1,
        "accelerator_link_up": 1,
    },
    OTHER_NPU: {
        "accelerator:pod:info": 1,
        "accelerator_utilization:ratio": 0,
        "accelerator_memory_used:bytes": 3400 * MIB,
        "accelerator_memory_total:bytes": 65536 * MIB,
        "accelerator_temperature:celsius": 41,
        "accelerator_power:watts": 95.0999984741211,
        "accelerator_healthy": 0,
        "accelerator_link_up": 0,
    },
}


def health(seen: Recorded) -> dict[Labels, float]:
    return {labels: series["accelerator_healthy"] for labels, series in seen.items() if "accelerator_healthy" in series}


class Gateways:
    """Exporters by way of their hosts' gateways: ``printed`` is path → text, which may change."""

    def __init__(self, folder: Path, authority: Credential) -> None:
        self.printed: dict[str, str] = {}
        (folder / "ca.crt").write_text(authority.certificate)
        own = issue(authority, ServerName("host", addresses=["127.0.0.1"]))
        (folder / "server.pem").write_text(own.key + own.certificate)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.crt")
        tls.load_cert_chain(folder / "server.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        printed = self.printed

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # The NPU exporter writes the time of its reading, in milliseconds, behind each value.
                read = f" {int(time.time() * 1000)}"
                body = re.sub(r" \d{13}$", read, printed.get(self.path, ""), flags=re.MULTILINE).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A connection's handshake is its own thread's work.
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port

    def show(self, state: str) -> None:
        """From now on, what the exporters print with the chips ``held`` or ``free``."""
        for exporter in ("dcgm", "npu"):
            self.printed[f"/{exporter}/metrics"] = (PRINTED / f"{exporter}-{state}.prom").read_text()


@pytest.fixture
def authority() -> Credential:
    return make_authority("lab")


@pytest.fixture
def gateways(tmp_path: Path, authority: Credential) -> Iterator[Gateways]:
    made = Gateways(tmp_path, authority)
    made.show("held")
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def recorded(
    rendered: Callable[..., Path], gateways: Gateways, authority: Credential, tmp_path: Path
) -> Iterator[Callable[[], Recorded]]:
    """What a running Prometheus has recorded of chips by now."""
    client = issue(authority, ServerName("prometheus", dns=["prometheus"], client=True))
    own = {
        "prometheus_gateway_port": gateways.port,
        "prometheus_ca_path": str(tmp_path / "ca.crt"),
        "prometheus_client_certificate": client.certificate,
        "prometheus_client_key": client.key,
        "prometheus_kubernetes_ca_certificate": authority.certificate,
        # Nobody is there.
        "prometheus_kubernetes_servers": [],
        "prometheus_alertmanager": "127.0.0.1:1",
        "prometheus_extra_scrape_configs": [],
    }
    root = rendered("prometheus", PROMETHEUS | SITE | own)
    file = root / "etc/prometheus/prometheus.yml"
    content = yaml.safe_load(file.read_text().replace("/etc/prometheus/", f"{root}/etc/prometheus/"))
    content["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    file.write_text(yaml.safe_dump(content))
    log = tmp_path / "prometheus.log"
    query = urllib.parse.urlencode({"query": '{__name__=~"accelerator.+"}'})

    def seen() -> Recorded:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=10) as answer:
                series = json.load(answer)["data"]["result"]
        except OSError:
            return {}
        found: Recorded = {}
        for one in series:
            name = one["metric"].pop("__name__")
            found.setdefault(frozenset(one["metric"].items()), {})[name] = float(one["value"][1])
        return found

    places = [f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    command = [program("prometheus"), *places, "--log.level=warn", "--scrape.discovery-reload-interval=1s"]
    with reserved() as port, log.open("w") as to:
        listen = f"--web.listen-address=127.0.0.1:{port}"
        with subprocess.Popen([*command, listen], stdout=to, stderr=to) as process:
            yield seen
            process.terminate()


def test_what_the_exporters_print_is_recorded_of_each_chip_with_the_pod_that_holds_it(
    recorded: Callable[[], Recorded],
) -> None:
    wait_until("all is recorded", recorded, lambda seen: seen == RECORDED, seconds=60)


def test_a_pod_that_has_ended_holds_no_chip_and_new_faults_of_gpus_are_seen(
    recorded: Callable[[], Recorded], gateways: Gateways
) -> None:
    wait_until(
        "all is well",
        recorded,
        lambda seen: health(seen) == {HELD_GPU: 1, OTHER_GPU: 1, HELD_NPU: 1, OTHER_NPU: 0},
        seconds=60,
    )
    # Of the other GPU the fault is one that a program causes.
    gateways.show("free")
    wait_until(
        "nobody's", recorded, lambda seen: health(seen) == {GPU: 0, OTHER_GPU: 1, NPU: 1, OTHER_NPU: 0}, seconds=60
    )


def test_the_gateway_of_a_host_leads_from_each_path_to_the_port_that_the_exporter_has(play: Play) -> None:
    host = {"metrics_gateway_exporters": LAYERS["metrics_gateway_exporters"], "site_is_node": False}
    own = {"dcgm_exporter": True, "npu_exporter": True}
    path = "(prometheus_targets | selectattr('job', 'eq', '{}') | first).path"
    port = "metrics_gateway_exporters[{}.split('/')[1]].port == {}"
    ports = [port.format(path.format(job), number) for job, number in (("dcgm", 9400), ("npu-exporter", 8082))]
    ran = play([{"ansible.builtin.assert": {"that": ports}}], vars=SITE | host | own, gather_facts=False)
    assert ran.rc == 0, ran.output
