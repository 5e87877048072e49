"""What goes wrong between the API server and a program, in words for its author."""

from __future__ import annotations

from typing import Any, NamedTuple

from amalgam.errors import AmalgamError


class Cause(NamedTuple):
    """One reason of a refusal: a field, and what the server says of it."""

    reason: str
    field: str
    message: str


class ApiError(Exception):
    """The API server refused a request: HTTP ``status``, its ``reason``, ``message`` and ``causes``.

    Source: ``Status`` of the Kubernetes API conventions.
    """

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        """Keep what a Status object says."""
        self.status = status
        self.reason: str = body.get("reason", "")
        self.message: str = body.get("message") or f"HTTP status {status}"
        details = body.get("details") or {}
        self.causes = [
            Cause(entry.get("reason", ""), entry.get("field", ""), entry.get("message", ""))
            for entry in details.get("causes") or []
        ]
        super().__init__(self.message)

    @property
    def conflicts(self) -> list[Cause]:
        """The fields that other field managers own."""
        return [cause for cause in self.causes if cause.reason == "FieldManagerConflict"]


class KindMissingError(AmalgamError):
    """The API server serves no such kind (yet)."""


class NotReadyError(Exception):
    """An object was written but does not become ready; the engine keeps it, and the next ``up`` goes on from there."""

    def __init__(self, live: dict[str, Any], reasons: list[str]) -> None:
        """Keep the object as last seen, and why it is not ready."""
        self.live = live
        self.reasons = reasons
        super().__init__("; ".join(reasons))
