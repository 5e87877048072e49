"""Answers to the engine that take more than one field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from amalgam_pulumi.provider.diff import Diff
from amalgam_pulumi.provider.paths import Missing, written
from amalgam_pulumi.provider.values import to_struct


def diff_response(found: Diff, *, delete_first: bool) -> Any:
    """What changes, place by place.

    Args:
        found: the differences.
        delete_first: a replacement has the same name, so that the old object must go first.
    """
    kinds: Any = provider_pb2.PropertyDiff
    detailed = {}
    for change in found.changed:
        if isinstance(change.old, Missing):
            kind = kinds.ADD
        elif isinstance(change.new, Missing):
            kind = kinds.DELETE
        else:
            kind = kinds.UPDATE
        # Of each kind there is one that replaces, numbered one higher.
        detailed[written(change.path)] = kinds(kind=kind + (change.path in found.replaced), inputDiff=True)
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if found.changed else response.DIFF_NONE,
        diffs=sorted({str(change.path[0]) for change in found.changed}),
        replaces=sorted(written(path) for path in found.replaced),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_first and bool(found.replaced),
    )


class InitFailed(grpc.Status):  # type: ignore[misc]
    """The status that says: the object is there, keep it; but it is not ready.

    Source: ``ErrorResourceInitFailed`` of the SDK's provider.proto, carried as the details of a google.rpc.Status.
    """

    def __init__(
        self, resource_id: str, outputs: dict[str, Any], inputs: dict[str, Any], reasons: Sequence[str]
    ) -> None:
        """Pack the details."""
        failed = provider_pb2.ErrorResourceInitFailed(
            id=resource_id, properties=to_struct(outputs), inputs=to_struct(inputs), reasons=reasons
        )
        self.code = grpc.StatusCode.UNKNOWN
        self.details = "; ".join(reasons)
        status = status_pb2.Status(code=self.code.value[0], message=self.details)
        status.details.add().Pack(failed)
        self.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)


def check_failure(error: Exception, where: str = "") -> Any:
    """A refusal of inputs."""
    return provider_pb2.CheckFailure(property=where, reason=str(error))
