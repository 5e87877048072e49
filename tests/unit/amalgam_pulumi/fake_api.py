"""A seam in the place of the API server: answers that a test wrote down, and what was asked."""

from __future__ import annotations

from typing import Any

from amalgam_pulumi.provider.errors import ApiError


class FakeApi:
    """Says what it was told to say; an error among the answers is raised."""

    def __init__(self, *, live: Any = None, applied: Any = None, created: Any = None) -> None:
        self.live, self.applied, self.created = live, applied, created
        self.asked: list[str] = []

    def get(self, *_: Any) -> Any:
        self.asked.append("get")
        return self.live

    def apply(self, *_: Any, dry_run: bool = False, force: bool = False) -> Any:
        assert dry_run, "a comparison must change nothing"
        self.asked.append("apply, forced" if force else "apply")
        return self._said(self.applied)

    def create_dry(self, *_: Any) -> Any:
        self.asked.append("create")
        return self._said(self.created)

    @staticmethod
    def _said(answer: Any) -> Any:
        if isinstance(answer, ApiError):
            raise answer
        return answer


def refusal(status: int, *fields: str, message: str = "refused") -> ApiError:
    """A Status with one cause a field."""
    causes = [{"reason": "FieldValueInvalid", "field": field, "message": "refused"} for field in fields]
    return ApiError(status, {"message": message, "details": {"causes": causes}})
