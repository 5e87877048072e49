"""Robot accounts of projects, with the secrets that the site has made for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from amalgam.harbor.resource import Fields, Found, Kind, Resource, Session

# What Harbor calls a permission: resource and action. Who pulls may see what there is; to delete takes tag and image,
# and what clients delete by.
_PERMISSIONS = {
    "pull": (("repository", "pull"), ("repository", "list")),
    "push": (("repository", "push"),),
    "delete": (("repository", "delete"), ("artifact", "delete"), ("tag", "delete")),
}
_FOREVER = -1


class Robots(Kind):
    """``robot PROJECT/NAME``."""

    word = "robot"

    def declared(self, session: Session) -> Iterator[Resource]:
        """The site's robots, enabled, without an end, and with the site's secret."""
        for robot in session.data.robots:
            actions = {permission for action in robot.actions for permission in _PERMISSIONS[action]}
            fields: Fields = {
                "permissions": _texts(actions),
                "expires": "never",
                "enabled": True,
                "secret": "the site's",
            }
            yield Resource(self.word, f"{robot.project}/{robot.name}", fields)

    def found(self, session: Session) -> Iterator[Found]:
        """Harbor never shows a secret: whether it is the site's, a login tells."""
        for project, number in session.projects.items():
            query = f"Level=project,ProjectID={number}"
            for one in session.client.listed("/robots", q=query):
                name = f"{project}/{one['name'].rpartition('+')[2]}"
                own = session.secrets.robots.get(name)
                fields: Fields = {
                    "permissions": _texts(_accesses(one)),
                    "expires": "never" if one["duration"] == _FOREVER else f"after {one['duration']} days",
                    "enabled": not one.get("disable", False),
                    "secret": "the site's" if own and session.client.accepts(one["name"], own) else "another",
                }
                yield Found(self.word, name, fields, number=one["id"], full_name=one["name"])

    def create(self, session: Session, resource: Resource) -> None:
        """Harbor makes up a secret of its own and takes none: the site's is set in a second step."""
        number = session.client.create("/robots", _body(resource, resource.short_name))
        self._set_secret(session, number, resource)

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """The account first: a disabled one cannot log in, whatever its secret."""
        if any(resource.fields[name] != found.fields[name] for name in resource.fields if name != "secret"):
            session.client.put(f"/robots/{found.number}", _body(resource, found.full_name))
        if resource.fields["secret"] != found.fields["secret"]:
            self._set_secret(session, found.number, resource)

    def delete(self, session: Session, found: Found) -> None:
        """Whoever uses it is locked out at once."""
        session.client.delete(f"/robots/{found.number}")

    @staticmethod
    def _set_secret(session: Session, number: int, resource: Resource) -> None:
        session.client.patch(f"/robots/{number}", {"secret": session.secrets.robot(resource.name)})


def _body(resource: Resource, name: str) -> dict[str, Any]:
    pairs = [text.split(":") for text in _tuple(resource.fields["permissions"])]
    access = [{"resource": kind, "action": action} for kind, action in pairs]
    return {
        "name": name,
        "level": "project",
        "duration": _FOREVER,
        "disable": False,
        "permissions": [{"kind": "project", "namespace": resource.project, "access": access}],
    }


def _accesses(robot: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for permission in robot.get("permissions") or []:
        yield from ((access["resource"], access["action"]) for access in permission["access"])


def _texts(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{resource}:{action}" for resource, action in pairs))


def _tuple(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
