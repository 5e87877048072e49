"""An object of Harbor in people's words: of a kind, with a name, and fields that can be compared."""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from amalgam.errors import AmalgamError
from amalgam.harbor.client import HarborClient
from amalgam.models.harbor import HarborData

Value = str | int | float | bool | None | tuple[str, ...]
Fields = Mapping[str, Value]


@dataclass(frozen=True)
class Resource:
    """One object as it is to be."""

    kind: str
    name: str
    """Within its kind; with its project before a slash where it lies in one."""
    fields: Fields
    source: BaseModel | None = None
    """What declares it, where the fields do not say all."""

    @property
    def label(self) -> str:
        """``project vision``, ``member vision/alice``."""
        return f"{self.kind} {self.name}".rstrip()

    @property
    def project(self) -> str:
        """The project it lies in."""
        return self.name.partition("/")[0]

    @property
    def short_name(self) -> str:
        """The name within its project."""
        return self.name.partition("/")[2]


@dataclass(frozen=True)
class Found(Resource):
    """One object as Harbor has it."""

    number: int = 0
    """Harbor's own name for it."""
    full_name: str = ""
    """Harbor's name for people, where it has a prefix."""


@dataclass(frozen=True)
class HarborSecrets:
    """The secrets of the site that are given to Harbor. Never printed."""

    robots: Mapping[str, str] = field(repr=False)
    """By ``project/name``."""
    registries: Mapping[str, str] = field(repr=False)
    """Of the accounts at endpoints, by the endpoint's name."""
    key: str = field(repr=False)
    """Any secret of the site: what fingerprints are made with."""

    def robot(self, name: str) -> str:
        """The secret of a robot account."""
        return self._given(self.robots, name, "run `amalgam site secrets`, which makes what is missing")

    def registry(self, name: str) -> str:
        """The secret of an account at an endpoint."""
        return self._given(self.registries, name, f"give it: `amalgam registry credential {name}`")

    def fingerprint(self, name: str) -> str:
        """Tells one secret of an endpoint from another, and nothing about either without the site's own key."""
        return hmac.new(self.key.encode(), self.registry(name).encode(), hashlib.sha256).hexdigest()[:16]

    @staticmethod
    def _given(secrets: Mapping[str, str], name: str, remedy: str) -> str:
        if name not in secrets:
            raise AmalgamError("there is no secret for it among the site's", where=name, remedy=remedy)
        return secrets[name]


@dataclass
class Session:
    """One run against one Harbor."""

    client: HarborClient
    data: HarborData
    secrets: HarborSecrets
    projects: dict[str, int] = field(default_factory=dict)
    """Numbers of the declared projects that Harbor has, by name."""
    retentions: dict[str, int] = field(default_factory=dict)
    """Numbers of their retention policies, by project, also of those without rules."""
    registries: dict[str, int] = field(default_factory=dict)
    """Numbers of Harbor's endpoints, by name."""


class Kind(ABC):
    """All that is known of one kind of object."""

    word: str

    @abstractmethod
    def declared(self, session: Session) -> Iterable[Resource]:
        """The objects that are to be."""

    @abstractmethod
    def found(self, session: Session) -> Iterable[Found]:
        """The objects that Harbor has. Those in a project: of the declared projects alone."""

    @abstractmethod
    def create(self, session: Session, resource: Resource) -> None:
        """Make one."""

    @abstractmethod
    def update(self, session: Session, found: Found, resource: Resource) -> None:
        """Make one as it is to be."""

    @abstractmethod
    def delete(self, session: Session, found: Found) -> None:
        """Remove one."""

    def check(self, found: Found, resource: Resource) -> None:  # noqa: B027 - most kinds refuse nothing
        """Raise an AmalgamError where Harbor cannot make the one of the other; asked before anything is changed."""
