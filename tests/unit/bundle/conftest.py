"""A small signed bundle, and a file server that can break off, for the tests of the bundle."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from amalgam.bundle.assemble import assemble
from amalgam.bundle.contents import Placed
from amalgam.bundle.manifest import Artifact
from amalgam.bundle.signing import allowed_signers, signing_key


def placed(name: str, data: bytes, path: str) -> Placed:
    artifact = Artifact(
        name=name,
        version="1",
        arch="amd64",
        kind="file",
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        source="test",
    )
    return Placed(data, artifact)


@dataclass(frozen=True)
class SmallBundle:
    path: Path
    signers: Path
    key: Path


@pytest.fixture
def small_bundle(tmp_path: Path) -> SmallBundle:
    key = signing_key(tmp_path / "config")
    entries = [placed("kubelet", b"kubelet bytes", "files/amd64/kubelet"), placed("runc", b"runc", "files/amd64/runc")]
    folder = tmp_path / "bundle"
    assemble(folder, entries, key, lock_digest="0" * 64, arches=["amd64"], created_from={})
    return SmallBundle(folder, allowed_signers(tmp_path / "config"), key)


@dataclass
class FileServer:
    """Serves ``files`` by path with ranges; ``break_after``: bytes after which the next answer breaks off."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    break_after: int | None = None
    url: str = ""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.requests.append((self.path, wanted))
            data = state.files.get(self.path.lstrip("/"))
            if data is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            stop = len(data) if state.break_after is None else start + state.break_after
            state.break_after = None
            self.wfile.write(data[start:stop])

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
