"""Endpoints: the other registries that Harbor copies from. Harbor itself calls them registries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amalgam.errors import AmalgamError
from amalgam.harbor.resource import Fields, Found, Kind, Resource, Session

_NOTE = "Managed by Amalgam. Secret: "


class Endpoints(Kind):
    """``registry NAME``."""

    word = "registry"

    def declared(self, session: Session) -> Iterator[Resource]:
        """The site's endpoints. Harbor hides their secrets, so their fingerprint goes into the description."""
        for endpoint in session.data.registries:
            fingerprint = session.secrets.fingerprint(endpoint.name) if endpoint.access_key else None
            fields: Fields = {
                "type": endpoint.type,
                "url": endpoint.url,
                "access_key": endpoint.access_key,
                "secret": fingerprint,
                "verified": True,
            }
            yield Resource(self.word, endpoint.name, fields)

    def found(self, session: Session) -> Iterator[Found]:
        """All of Harbor's endpoints; their numbers are kept for the replications."""
        for one in session.client.listed("/registries"):
            session.registries[one["name"]] = one["id"]
            credential = one.get("credential") or {}
            note = one.get("description") or ""
            noted = note.removeprefix(_NOTE) if note.startswith(_NOTE) else "unknown"
            fields: Fields = {
                "type": one["type"],
                "url": one["url"],
                "access_key": credential.get("access_key") or None,
                "secret": noted if credential.get("access_secret") else None,
                "verified": not one.get("insecure", False),
            }
            yield Found(self.word, one["name"], fields, number=one["id"])

    def create(self, session: Session, resource: Resource) -> None:
        """Harbor asks the endpoint whether it answers, and refuses it if not."""
        key = resource.fields["access_key"]
        secret = session.secrets.registry(resource.name) if key else ""
        credential = {"credential": {"type": "basic", "access_key": key, "access_secret": secret}} if key else {}
        body = {"name": resource.name, "type": resource.fields["type"], **_common(resource), **credential}
        session.registries[resource.name] = session.client.create("/registries", body)

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """All but the type, which Harbor keeps for ever."""
        key = resource.fields["access_key"]
        secret = session.secrets.registry(resource.name) if key else ""
        body = {"credential_type": "basic", "access_key": key or "", "access_secret": secret}
        session.client.put(f"/registries/{found.number}", _common(resource) | body)

    def check(self, found: Found, resource: Resource) -> None:
        """The type is what Harbor cannot change."""
        if resource.fields["type"] != found.fields["type"]:
            remedy = f"rename it; or let it go first, with `{found.label}` in harbor_absent"
            raise AmalgamError("Harbor cannot change the type of an endpoint", where=found.label, remedy=remedy)

    def delete(self, session: Session, found: Found) -> None:
        """Harbor refuses while a replication uses it."""
        session.client.delete(f"/registries/{found.number}")


def _common(resource: Resource) -> dict[str, Any]:
    secret = resource.fields["secret"]
    return {
        "url": resource.fields["url"],
        "insecure": not resource.fields["verified"],
        "description": f"{_NOTE}{secret}" if secret else "",
    }
