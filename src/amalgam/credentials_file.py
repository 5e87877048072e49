"""What a person needs to use a service of a site, in one file: made by the administrator, read by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amalgam.errors import AmalgamError
from amalgam.paths import config_dir
from amalgam.private_file import read_private, write_private


class CredentialsFile(BaseModel):
    """What such a file holds; a class for each service says what that is."""

    # Errors must not repeat what they are about.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service: ClassVar[str]
    """The file's name where a person keeps it."""
    variable: ClassVar[str]
    """Environment variable that names another file."""
    remedy: ClassVar[str]
    """How one comes by it."""

    @classmethod
    def default_file(cls) -> Path:
        """Where a person's own file lies, unless the environment names another place."""
        return Path(os.environ.get(cls.variable) or config_dir() / f"{cls.service}.json")

    @classmethod
    def load(cls, file: Path | None = None) -> Self:
        """Read ``file``, or the person's own.

        Raises:
            AmalgamError: it is not there, is open to others, or is no such file.
        """
        path = file or cls.default_file()
        try:
            return cls.model_validate_json(read_private(path, remedy=cls.remedy))
        except ValidationError:
            raise AmalgamError(f"holds no credentials of {cls.service}", where=str(path), remedy=cls.remedy) from None

    def save(self, file: Path) -> None:
        """Write ``file``, for its owner alone.

        Raises:
            AmalgamError: it cannot be written.
        """
        write_private(file, self.model_dump_json(indent=1) + "\n")


class Account(TypedDict):
    """Who logs in by HTTPS, and whom they trust."""

    user: str
    password: str
    ca_certificate: str
    """PEM, of the site's authority."""


class Login(CredentialsFile):
    """What a service by HTTPS with a password wants."""

    user: str
    password: Annotated[str, Field(repr=False)]
    ca_certificate: str

    @property
    def account(self) -> Account:
        """The part that is the same for every service."""
        return {"user": self.user, "password": self.password, "ca_certificate": self.ca_certificate}
