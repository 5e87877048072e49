"""What Harbor does to all projects at given times: look for vulnerabilities, and free the space of what was deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from amalgam.harbor.client import HarborRefusedError
from amalgam.harbor.resource import Fields, Found, Kind, Resource, Session

_NONE = {"schedule": {"type": "None", "cron": ""}}


class ScanSchedule(Kind):
    """``scan-all``."""

    word = "scan-all"
    _path = "/system/scanAll/schedule"

    def declared(self, session: Session) -> Iterator[Resource]:
        """One, or none."""
        if cron := session.data.scan_schedule:
            yield Resource(self.word, "", {"schedule": cron})

    def found(self, session: Session) -> Iterator[Found]:
        """One, or none. A Harbor without a scanner has no answer, which matters where scans are wanted."""
        try:
            schedule = session.client.get(self._path)
        except HarborRefusedError as refused:
            if refused.status == HTTPStatus.PRECONDITION_FAILED and not session.data.scan_schedule:
                return
            raise
        if cron := _cron(schedule):
            yield Found(self.word, "", {"schedule": cron})

    def create(self, session: Session, resource: Resource) -> None:
        """PUT makes it too; POST refuses where there is one, and so could not be repeated."""
        session.client.put(self._path, {"schedule": {"type": "Custom", "cron": resource.fields["schedule"]}})

    def update(self, session: Session, found: Found, resource: Resource) -> None:  # noqa: ARG002 - there is one only
        """As it is made."""
        self.create(session, resource)

    def delete(self, session: Session, found: Found) -> None:  # noqa: ARG002 - there is one only
        """Scans are then started by hand, or by a push."""
        session.client.put(self._path, _NONE)


class GarbageCollectionSchedule(Kind):
    """``garbage-collection``."""

    word = "garbage-collection"
    _path = "/system/gc/schedule"

    def declared(self, session: Session) -> Iterator[Resource]:
        """One, or none."""
        if gc := session.data.gc:
            yield Resource(self.word, "", {"schedule": gc.schedule, "delete_untagged": gc.delete_untagged})

    def found(self, session: Session) -> Iterator[Found]:
        """One, or none; its parameters are JSON in a text."""
        schedule = session.client.get(self._path)
        if cron := _cron(schedule):
            parameters = json.loads(schedule.get("job_parameters") or "{}")
            fields: Fields = {"schedule": cron, "delete_untagged": bool(parameters.get("delete_untagged"))}
            yield Found(self.word, "", fields)

    def create(self, session: Session, resource: Resource) -> None:
        """Harbor replaces the one that is there."""
        body = {
            "schedule": {"type": "Custom", "cron": resource.fields["schedule"]},
            "parameters": {"delete_untagged": resource.fields["delete_untagged"]},
        }
        session.client.put(self._path, body)

    def update(self, session: Session, found: Found, resource: Resource) -> None:  # noqa: ARG002 - there is one only
        """As it is made."""
        self.create(session, resource)

    def delete(self, session: Session, found: Found) -> None:  # noqa: ARG002 - there is one only
        """Space is then freed by hand only."""
        session.client.put(self._path, _NONE | {"parameters": {}})


def _cron(schedule: dict[str, Any] | None) -> str:
    """The time, whichever of its own words Harbor has for it; nothing where there is none."""
    return str(((schedule or {}).get("schedule") or {}).get("cron") or "")
