"""Projects, with their quota and what their metadata says of scanning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amalgam.errors import AmalgamError
from amalgam.harbor.resource import Fields, Found, Kind, Resource, Session
from amalgam.models.harbor import ProjectSettings

_GIB = 1 << 30
_UNLIMITED = -1


class Projects(Kind):
    """``project NAME``."""

    word = "project"

    def declared(self, session: Session) -> Iterator[Resource]:
        """The site's projects."""
        for project in session.data.projects:
            settings = session.data.project_settings.get(project.name, ProjectSettings())
            fields: Fields = {
                "public": project.public,
                "quota_gib": settings.quota_gib,
                "scan_on_push": settings.scan_on_push,
                "block_severity": settings.block_severity,
            }
            yield Resource(self.word, project.name, fields)

    def found(self, session: Session) -> Iterator[Found]:
        """All of Harbor's projects; the numbers of the declared ones are kept."""
        declared = {project.name for project in session.data.projects}
        quotas = {quota["ref"]["id"]: quota for quota in session.client.listed("/quotas", reference="project")}
        for one in session.client.listed("/projects", with_detail="true"):
            if one["name"] in declared:
                session.projects[one["name"]] = one["project_id"]
            metadata = one.get("metadata") or {}
            fields: Fields = {
                "public": metadata.get("public") == "true",
                "quota_gib": _gib(quotas.get(one["project_id"])),
                "scan_on_push": metadata.get("auto_scan") == "true",
                "block_severity": metadata.get("severity") if metadata.get("prevent_vul") == "true" else None,
            }
            yield Found(self.word, one["name"], fields, number=one["project_id"])

    def create(self, session: Session, resource: Resource) -> None:
        """Make it with all its properties at once."""
        body = {
            "project_name": resource.name,
            "metadata": _metadata(resource),
            "storage_limit": _bytes(resource.fields["quota_gib"]),
        }
        session.projects[resource.name] = session.client.create("/projects", body)

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """Metadata and quota are objects of their own to Harbor: touch only what differs."""
        if resource.fields["quota_gib"] != found.fields["quota_gib"]:
            self._set_quota(session, found, _bytes(resource.fields["quota_gib"]))
        if any(resource.fields[name] != found.fields[name] for name in resource.fields if name != "quota_gib"):
            session.client.put(f"/projects/{found.number}", {"metadata": _metadata(resource)})

    def delete(self, session: Session, found: Found) -> None:
        """Harbor refuses where images are left in it."""
        session.client.delete(f"/projects/{found.number}")

    @staticmethod
    def _set_quota(session: Session, found: Found, limit: int) -> None:
        quotas = list(session.client.listed("/quotas", reference="project", reference_id=found.number))
        if not quotas:
            raise AmalgamError(
                "Harbor keeps no quotas for projects", where=found.label, remedy="switch them on in its configuration"
            )
        session.client.put(f"/quotas/{quotas[0]['id']}", {"hard": {"storage": limit}})


def _metadata(resource: Resource) -> dict[str, str]:
    """Harbor keeps booleans of a project as text."""
    severity = resource.fields["block_severity"]
    metadata = {
        "public": _text(resource.fields["public"]),
        "auto_scan": _text(resource.fields["scan_on_push"]),
        "prevent_vul": _text(severity is not None),
    }
    return metadata | ({"severity": str(severity)} if severity else {})


def _text(value: object) -> str:
    return "true" if value else "false"


def _gib(quota: dict[str, Any] | None) -> int | float | None:
    limit = quota["hard"]["storage"] if quota else _UNLIMITED
    if limit == _UNLIMITED:
        return None
    return limit // _GIB if limit % _GIB == 0 else float(limit / _GIB)


def _bytes(gib: object) -> int:
    return gib * _GIB if isinstance(gib, int) else _UNLIMITED
