"""What people see while the engine works: a status line per resource, and messages that stay."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

# Message, and whether it is to stay on the screen.
Say = Callable[[str, bool], None]


class EngineLog:
    """The engine's log.

    Args:
        address: where the engine listens; empty for nowhere.
    """

    def __init__(self, address: str) -> None:
        """Open the channel; it connects with the first message."""
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def sayer(self, urn: str) -> Say:
        """A function that logs about one resource."""

        def say(message: str, stays: bool) -> None:
            if self._stub:
                severity = engine_pb2.WARNING if stays else engine_pb2.INFO
                request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=not stays)
                self._stub.Log(request)

        return say
