"""``pulumi-resource-kubernetes``: serve the engine until it ends this process with a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from amalgam_pulumi.grpc_service import announce, end_with_engine, engine_address
from amalgam_pulumi.provider.servicer import KubernetesServicer

# Objects of 1.5 MiB, the most that etcd takes, come with their old and new inputs and outputs.
_LARGEST_MESSAGE = 64 * 1024 * 1024
VERSION_VARIABLE = "AMALGAM_PULUMI_KUBERNETES_VERSION"


async def main() -> None:
    """Listen on a free port of the loopback and say which."""
    sizes = [("grpc.max_send_message_length", _LARGEST_MESSAGE), ("grpc.max_receive_message_length", _LARGEST_MESSAGE)]
    server = grpc.aio.server(options=sizes)
    arguments = sys.argv[1:]
    servicer = KubernetesServicer(os.environ[VERSION_VARIABLE], arguments, engine_address(arguments))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    end_with_engine()
    announce(port)
    await ended.wait()
    servicer.end_waits()
    await server.stop(None)


asyncio.run(main())
