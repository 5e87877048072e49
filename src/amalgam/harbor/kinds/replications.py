"""Replication policies: what is copied from an endpoint into a project, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amalgam.harbor.resource import Fields, Found, Kind, Resource, Session

_OTHER = "something else"


class Replications(Kind):
    """``replication NAME``."""

    word = "replication"

    def declared(self, session: Session) -> Iterator[Resource]:
        """The site's replications."""
        for one in session.data.replications:
            fields: Fields = {
                "endpoint": one.endpoint,
                "project": one.project,
                "images": one.images,
                "tags": one.tags,
                "flatten": one.flatten,
                "schedule": one.schedule,
                "enabled": one.enabled,
                "deletes": False,
            }
            yield Resource(self.word, one.name, fields)

    def found(self, session: Session) -> Iterator[Found]:
        """All of Harbor's replications."""
        for one in session.client.listed("/replication/policies"):
            filters = {part["type"]: part for part in one.get("filters") or []}
            fields: Fields = {
                "endpoint": (one.get("src_registry") or {}).get("name"),
                "project": one.get("dest_namespace"),
                "images": _filter(filters, "name"),
                "tags": _filter(filters, "tag"),
                "flatten": one.get("dest_namespace_replace_count"),
                "schedule": _schedule(one.get("trigger") or {}),
                "enabled": bool(one.get("enabled")),
                "deletes": bool(one.get("replicate_deletion") or one.get("deletion")),
            }
            yield Found(self.word, one["name"], fields, number=one["id"])

    def create(self, session: Session, resource: Resource) -> None:
        """Nothing is copied before its time, or before somebody starts it."""
        session.client.create("/replication/policies", _body(session, resource))

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """Harbor takes a policy as a whole only."""
        session.client.put(f"/replication/policies/{found.number}", _body(session, resource))

    def delete(self, session: Session, found: Found) -> None:
        """What was copied stays."""
        session.client.delete(f"/replication/policies/{found.number}")


def _body(session: Session, resource: Resource) -> dict[str, Any]:
    fields = resource.fields
    cron = fields["schedule"]
    trigger = {"type": "scheduled", "trigger_settings": {"cron": cron}} if cron else {"type": "manual"}
    return {
        "name": resource.name,
        "src_registry": {"id": session.registries[str(fields["endpoint"])]},
        "dest_namespace": fields["project"],
        "dest_namespace_replace_count": fields["flatten"],
        "filters": [
            {"type": "name", "value": fields["images"]},
            {"type": "tag", "value": fields["tags"], "decoration": "matches"},
        ],
        "trigger": trigger,
        "enabled": fields["enabled"],
        "override": True,
        "replicate_deletion": False,
    }


def _filter(filters: dict[str, dict[str, Any]], kind: str) -> str:
    """The pattern of a filter; one that is not there lets everything through."""
    one = filters.get(kind)
    if one is None:
        return "**"
    return str(one["value"]) if one.get("decoration") in (None, "", "matches") else f"all but {one['value']}"


def _schedule(trigger: dict[str, Any]) -> str | None:
    if trigger.get("type") == "scheduled":
        return str((trigger.get("trigger_settings") or {}).get("cron") or "")
    return None if trigger.get("type") in (None, "manual") else _OTHER
