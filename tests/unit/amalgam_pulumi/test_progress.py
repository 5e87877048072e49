"""What the plugin says of a resource reaches the engine, and through it people."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from amalgam_pulumi.provider.progress import EngineLog

pytestmark = pytest.mark.timeout(60)

URN = "urn:pulumi:lab::program::kubernetes:core/v1:ConfigMap::color"


class Engine(engine_pb2_grpc.EngineServicer):
    """A seam in the place of the engine: keeps what it is told."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:{folder / 'engine'}"
        self.told: list[tuple[str, str, int, bool]] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self._server.add_insecure_port(self.address)
        self._server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.told.append((request.urn, request.message, request.severity, request.ephemeral))
        return empty_pb2.Empty()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that listens."""
    started = Engine(tmp_path)
    yield started
    started.stop()


def test_a_step_is_a_line_that_goes_and_a_warning_is_one_that_stays(engine: Engine) -> None:
    say = EngineLog(engine.address).sayer(URN)
    say("0 of 2 replicas", False)
    say("drifted: data.color", True)
    assert engine.told == [
        (URN, "0 of 2 replicas", engine_pb2.INFO, True),
        (URN, "drifted: data.color", engine_pb2.WARNING, False),
    ]


def test_without_an_engine_nobody_is_told_and_the_work_goes_on() -> None:
    EngineLog("").sayer(URN)("0 of 2 replicas", False)
