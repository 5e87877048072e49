"""``pulumi-language-python``: serve the engine until it ends this process with a signal."""

from __future__ import annotations

import signal
import sys
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from amalgam_pulumi.grpc_service import announce, end_with_engine, engine_address
from amalgam_pulumi.language.host import LanguageHost


def main() -> None:
    """Listen on a free port of the loopback and say which."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    host = LanguageHost(engine_address(sys.argv[1:]))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    end_with_engine()
    announce(port)
    ended.wait()
    host.end_programs()
    server.stop(None)


main()
