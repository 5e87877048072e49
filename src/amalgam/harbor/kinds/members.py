"""Members of projects."""

from __future__ import annotations

from collections.abc import Iterator

from amalgam.harbor.resource import Found, Kind, Resource, Session

_NUMBERS = {"projectAdmin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limitedGuest": 5}
_NAMES = {number: name for name, number in _NUMBERS.items()}


class Members(Kind):
    """``member PROJECT/USER``."""

    word = "member"

    def declared(self, session: Session) -> Iterator[Resource]:
        """The members that the site's projects name."""
        for project in session.data.projects:
            for member in project.members:
                yield Resource(self.word, f"{project.name}/{member.user}", {"role": member.role})

    def found(self, session: Session) -> Iterator[Found]:
        """Users and groups, but for whoever made the project: Harbor makes that account its administrator."""
        for project, number in session.projects.items():
            for one in session.client.listed(f"/projects/{number}/members"):
                role = _NAMES.get(one["role_id"], str(one["role_id"]))
                if (one["entity_name"], role) == (session.client.user, "projectAdmin"):
                    continue
                name = one["entity_name"] if one["entity_type"] == "u" else f"group:{one['entity_name']}"
                yield Found(self.word, f"{project}/{name}", {"role": role}, number=one["id"])

    def create(self, session: Session, resource: Resource) -> None:
        """Harbor must know the user, or find it where it looks users up."""
        body = {"role_id": _NUMBERS[str(resource.fields["role"])], "member_user": {"username": resource.short_name}}
        session.client.create(f"/projects/{session.projects[resource.project]}/members", body)

    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """A role is all that a member has."""
        body = {"role_id": _NUMBERS[str(resource.fields["role"])]}
        session.client.put(f"/projects/{session.projects[resource.project]}/members/{found.number}", body)

    def delete(self, session: Session, found: Found) -> None:
        """Take the user out of the project."""
        session.client.delete(f"/projects/{session.projects[found.project]}/members/{found.number}")
