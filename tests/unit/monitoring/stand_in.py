"""A web server with the pages, an Alertmanager, and a Prometheus that answers with something of the right shape."""

from __future__ import annotations

import http.server
import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from amalgam.monitoring.dashboards import as_json, load
from amalgam.paths import project_root

ROOT = project_root()
SITE = ROOT / "roles" / "monitoring_web" / "templates-site"
DASHBOARDS = ROOT / "templates" / "dashboards"
_SERVER = ROOT / "roles" / "monitoring_web" / "templates" / "etc" / "nginx" / "conf.d" / "monitoring.conf.j2"
_DYGRAPHS = Path("/usr/share/javascript/dygraphs")
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_VALUES = {
    "node": ["master1", "worker1", "worker2"],
    "chip": ["0", "1"],
    "vendor": ["nvidia"],
    "vc": ["vision", "nlp"],
    "namespace": ["vision", "nlp"],
    "job_name": ["train-resnet", "evaluate"],
    "pod": ["train-resnet-0-abcde", "train-resnet-1-fghij"],
    "resource": ["requests.cpu", "requests.memory", "requests.nvidia.com/gpu"],
    "phase": ["Running", "Pending", "Succeeded"],
    "device": ["sda", "sdb"],
    "mountpoint": ["/", "/var/lib/containerd"],
    "verb": ["GET", "LIST", "PATCH"],
    "code": ["200", "201", "409"],
}
ALERTS = [
    {
        "labels": {"alertname": name, "severity": severity, "node": "worker2"},
        "annotations": {"summary": summary, "runbook_url": f"https://monitoring.example.internal/runbooks/{name}"},
        "state": "firing",
        "activeAt": "2026-01-02T03:04:05Z",
        "value": "1",
    }
    for name, severity, summary in [
        ("Watchdog", "info", "Always fires"),
        ("NodeMemoryHighUtilization", "warning", "Memory of worker2 is 83 % used"),
        ("AcceleratorUnhealthy", "critical", "Chip 1 of worker2 says that it is unhealthy"),
    ]
]


ALERTMANAGER = "/alertmanager/api/v2/"


def _sent(alert: dict[str, Any], silenced_by: list[str]) -> dict[str, Any]:
    """An alert as Alertmanager knows it; a silence is one of chips here."""
    chips = alert["labels"]["alertname"].startswith("Accelerator")
    status = {"state": "active", "silencedBy": silenced_by if chips else [], "inhibitedBy": []}
    return {**alert, "startsAt": alert["activeAt"], "status": status}


def policy() -> str:
    """The policy that the real server sends with the page."""
    return re.findall(r'set \$monitoring_csp "([^"]+)"', _SERVER.read_text())[0]


def _labels(expr: str) -> list[dict[str, str]]:
    """Labels of the series that such a query could have."""
    grouped = re.match(r"(?:group|sum|avg|max|min|histogram_quantile\(0\.99, sum) by \(([^)]+)\)", expr)
    if grouped:
        names = [name.strip() for name in grouped[1].split(",") if name.strip() != "le"]
    elif re.match(r"\(?(sum|avg|max|count)\(|(cluster|prometheus)", expr):
        return [{}]
    else:
        names = ["node"]
        names += ["chip", "vendor"] if expr.startswith("accelerator") else []
        names += ["device"] if "disk" in expr or "network" in expr else []
        names += ["mountpoint"] if "filesystem" in expr else []
        names = ["vc", "resource"] if expr.startswith("vc:") else names
        names = ["namespace", "job_name"] if expr.startswith("kube_job") else names
    found: list[dict[str, str]] = [{}]
    for name in names:
        chosen = re.search(rf'\b{name}=~"([^".*]+)"', expr)
        values = [chosen[1]] if chosen else _VALUES[name]
        found = [{**one, name: value} for one in found for value in values]
    return found


def _value(expr: str, index: int, at: float) -> float:
    wave = (1 + math.sin(at / 400 + index * 1.7 + len(expr))) / 2
    if "ratio" in expr or "/ sum" in expr or "storage_used:bytes /" in expr:
        return 0.15 + 0.7 * wave
    if "duration_seconds" in expr:
        return 0.004 + 0.03 * wave
    if "bytes" in expr:
        return (2 + 6 * wave) * 1024**3
    if "celsius" in expr:
        return 45 + 40 * wave
    if "watts" in expr:
        return 120 + 200 * wave
    return 0.0 if "== 0" in expr else float(round(1 + 5 * wave))


def answer(expr: str, form: dict[str, str]) -> dict[str, Any]:
    """What the API says to a query."""
    series = []
    for index, labels in enumerate(_labels(expr)):
        if "start" in form:
            start, end, step = (float(form[name]) for name in ("start", "end", "step"))
            times = [start + step * number for number in range(int((end - start) / step) + 1)]
            series.append({"metric": labels, "values": [[at, str(_value(expr, index, at))] for at in times]})
        else:
            at = float(form["time"])
            series.append({"metric": labels, "value": [at, str(_value(expr, index, at))]})
    return {"status": "success", "data": {"resultType": "matrix" if "start" in form else "vector", "result": series}}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    failing = ""
    silent = ""
    silences: dict[str, dict[str, Any]]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(ALERTMANAGER):
            held = list(self.silences)
            known = {"alerts": [_sent(alert, held) for alert in ALERTS], "silences": list(self.silences.values())}
            self._json(200, known[path.removeprefix(ALERTMANAGER)])
        elif path == "/prometheus/api/v1/alerts":
            self._json(200, {"status": "success", "data": {"alerts": ALERTS}})
        elif path == "/dashboards.json":
            self._send(200, "application/json", as_json(load(DASHBOARDS), "example").encode())
        else:
            name = path.removeprefix("/javascript/dygraphs/") if "dygraphs" in path else path[1:] or "index.html"
            file = (_DYGRAPHS if "dygraphs" in path else SITE) / name
            body = file.read_bytes() if file.is_file() else b""
            self._send(200 if body else 404, _TYPES.get(file.suffix, "text/plain"), body)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if self.path == f"{ALERTMANAGER}silences":
            body = json.loads(self.rfile.read(length))
            identifier = f"silence-{len(self.silences) + 1}"
            self.silences[identifier] = {**body, "id": identifier, "status": {"state": "active"}}
            self._json(200, {"silenceID": identifier})
            return
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        expr = form["query"]
        if self.failing and self.failing in expr:
            self._json(422, {"status": "error", "errorType": "execution", "error": "too many samples"})
        elif self.silent and self.silent in expr:
            self._json(200, {"status": "success", "data": {"resultType": "vector", "result": []}})
        else:
            self._json(200, answer(expr, form))

    def do_DELETE(self) -> None:
        self.silences[self.path.rpartition("/")[2]]["status"]["state"] = "expired"
        self._send(200, "text/plain", b"")

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        headers |= {"Content-Security-Policy": policy(), "Monitoring-User": "amalgam"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(*, failing: str = "", silent: str = "") -> Iterator[str]:
    """Its address; queries with ``failing`` in them fail, those with ``silent`` find nothing."""
    handler = type("Handler", (_Handler,), {"failing": failing, "silent": silent, "silences": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
