"""The program as it lies in its role, and an API server and a log that say what a test tells them."""

from __future__ import annotations

import http.server
import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from amalgam.pki import ServerName, issue, make_authority

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "roles" / "cluster_state" / "templates" / "usr" / "local" / "lib" / "amalgam"))

from cluster_state.api import Api  # noqa: E402 - it is found by the line above

Object = dict[str, Any]


def recorded(kind: str) -> list[Object]:
    """Objects as a Kubernetes API server of the pinned version listed them."""
    content = (ROOT / "tests" / "fixtures" / "cluster_state" / f"{kind}.json").read_text(encoding="utf-8")
    items: list[Object] = json.loads(content)["items"]
    return items


def change(kind: str, item: Object, position: int) -> Object:
    """A line of a watch."""
    return {"type": kind, "object": item | {"metadata": item["metadata"] | {"resourceVersion": str(position)}}}


def bookmark(position: int) -> Object:
    """The line of a watch that says that nothing else happened."""
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(position)}}}


def expired() -> Object:
    """The line of a watch that began too far back."""
    return {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}


@dataclass
class ApiServer:
    """What it lists, what its next watches say, and what it was asked."""

    port: int = 0
    items: list[Object] = field(default_factory=list)
    position: int = 1
    page: int = 500
    status: int = 200
    watches: list[list[Object]] = field(default_factory=list)
    """Each the lines of one watch, which ends after them; ``None`` as a line breaks it off."""
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def answer(self, parameters: dict[str, str]) -> list[Object | None]:
        if parameters.get("watch"):
            return self.watches.pop(0) if self.watches else []
        start = int(parameters.get("continue") or 0)
        more = str(start + self.page) if start + self.page < len(self.items) else ""
        metadata = {"resourceVersion": str(self.position), "continue": more}
        return [{"metadata": metadata, "items": self.items[start : start + self.page]}]


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on a free port."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield httpd.server_port
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def _handler(server: ApiServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            parameters = {key: values[0] for key, values in parse_qs(asked.query).items()}
            server.asked.append((asked.path, parameters, self.headers["Authorization"]))
            self.close_connection = True
            self.send_response(server.status)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            for line in server.answer(parameters):
                if line is None:
                    return
                # A line need not come in one piece.
                content = json.dumps(line).encode() + b"\n"
                for piece in (content[:10], content[10:]):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass(frozen=True)
class Credentials:
    """The authority's certificate, a token, and the server's side of TLS."""

    ca: Path
    token: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    folder = tmp_path_factory.mktemp("access")
    authority = make_authority("test")
    pair = issue(authority, ServerName("api", addresses=["127.0.0.1"]))
    (folder / "ca.crt").write_text(authority.certificate)
    (folder / "server.pem").write_text(pair.certificate + pair.key)
    (folder / "token").write_text("a token\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return Credentials(folder / "ca.crt", folder / "token", context)


@pytest.fixture
def api_server(credentials: Credentials) -> Iterator[ApiServer]:
    """A running API server."""
    server = ApiServer()
    with serving(_handler(server), credentials.context) as port:
        server.port = port
        yield server


@pytest.fixture
def connect(credentials: Credentials) -> Callable[..., Api]:
    """A client of the servers at these ports, in this order."""

    def api(*ports: int) -> Api:
        return Api(tuple(("127.0.0.1", port) for port in ports), credentials.ca, credentials.token)

    return api
