"""Names of images in a site's registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

from amalgam.errors import AmalgamError

# OCI distribution specification, "Pulling manifests".
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})+):(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,127}})")


@dataclass(frozen=True)
class Reference:
    """A tag of a repository; the repository's first component is its project."""

    repository: str
    tag: str

    @property
    def project(self) -> str:
        """The project it lies in."""
        return self.repository.partition("/")[0]

    def __str__(self) -> str:
        """As people write it, without the registry."""
        return f"{self.repository}:{self.tag}"


def parse(text: str) -> Reference:
    """The reference that ``text`` is.

    Raises:
        AmalgamError: it is none.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise AmalgamError(
            "no name of an image in this registry", where=text, remedy="write PROJECT/NAME:TAG, like vision/trainer:1.0"
        )
    return Reference(found["repository"], found["tag"])
