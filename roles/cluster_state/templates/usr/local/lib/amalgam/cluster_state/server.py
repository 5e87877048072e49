"""The web server that Prometheus asks, on a loopback address."""

from __future__ import annotations

import http.server

from cluster_state.exposition import Exposition


def server(address: tuple[str, int], exposition: Exposition) -> http.server.ThreadingHTTPServer:
    """``/metrics`` has the series; ``/ready`` says 200 once all that is told is in step with the cluster."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, "".join(exposition.text()))
            elif self.path == "/ready":
                stale = exposition.stale()
                self._answer(503 if stale else 200, f"not in step: {', '.join(stale)}\n" if stale else "in step\n")
            else:
                self._answer(404, "there are /metrics and /ready\n")

        def _answer(self, status: int, content: str) -> None:
            body = content.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A line for every scrape helps nobody."""

    found = http.server.ThreadingHTTPServer(address, Handler)
    found.daemon_threads = True
    return found
