"""What an API server would keep of training jobs, and what it would refuse; simulated."""

from __future__ import annotations

from typing import Any

from amalgam.errors import AmalgamError
from amalgam.training.schema import Object


class SimulatedCluster:
    """Keeps what is created; with a Job everything goes that belongs to it."""

    vc = "vision"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.refuses: dict[tuple[str, bool], BaseException] = {}
        """(kind, whether it is a dry run) -> what is raised."""
        self.checked: list[str] = []
        self.happened: list[Object] = []
        self.add("PersistentVolumeClaim", "training")

    def add(self, kind: str, name: str, **described: Any) -> Object:
        described.setdefault("metadata", {})
        described["metadata"] |= {"name": name, "namespace": "vision"}
        self.objects[kind, name] = described
        return described

    def kinds(self) -> list[str]:
        return [kind for kind, name in self.objects if (kind, name) != ("PersistentVolumeClaim", "training")]

    def create(self, described: Object, *, dry_run: bool = False) -> Object:
        kind, name = described["kind"], described["metadata"]["name"]
        if (kind, dry_run) in self.refuses:
            raise self.refuses[kind, dry_run]
        if (kind, name) in self.objects:
            raise AmalgamError(f"{kind} {name} already exists")
        if dry_run:
            self.checked.append(kind)
            return described
        stamp = {"uid": f"uid-of-{name}", "creationTimestamp": "2026-11-23T12:00:00Z"}
        made = {**described, "metadata": {**described["metadata"], **stamp}}
        self.objects[kind, name] = made
        return made

    def delete_job(self, vc: str, name: str) -> None:  # noqa: ARG002 - as a cluster has it
        gone = self.objects.pop(("Job", name))["metadata"]["uid"]
        owned = [
            key
            for key, one in self.objects.items()
            if gone in [owner["uid"] for owner in one["metadata"].get("ownerReferences", [])]
        ]
        for key in owned:
            del self.objects[key]

    def claim(self, vc: str, name: str) -> Object | None:  # noqa: ARG002
        return self.objects.get(("PersistentVolumeClaim", name))

    def job(self, vc: str, name: str) -> Object | None:  # noqa: ARG002
        return self.objects.get(("Job", name))

    def group(self, vc: str, name: str) -> Object | None:  # noqa: ARG002
        return self.objects.get(("PodGroup", name))

    def jobs(self, vc: str, selector: str) -> list[Object]:
        return self._of("Job", vc, selector)

    def groups(self, vc: str, selector: str) -> list[Object]:
        return self._of("PodGroup", vc, selector)

    def pods(self, vc: str, selector: str) -> list[Object]:
        return self._of("Pod", vc, selector)

    def events(self, vc: str) -> list[Object]:  # noqa: ARG002
        return self.happened

    def _of(self, kind: str, vc: str, selector: str) -> list[Object]:
        wanted = dict(part.split("=") for part in selector.split(","))
        return [
            one
            for (its, _), one in self.objects.items()
            if its == kind
            and one["metadata"]["namespace"] == vc
            and wanted.items() <= one["metadata"].get("labels", {}).items()
        ]
