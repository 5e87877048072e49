"""The file by which a person or a job reaches the datasets of a VC: made by the administrator, read by its owner."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from amalgam.datasets.layout import Role
from amalgam.errors import AmalgamError
from amalgam.paths import config_dir
from amalgam.private_file import read_private, write_private

FILE_VARIABLE = "AMALGAM_DATASETS"
"""Environment variable that names the file."""

_REMEDY = "ask the platform's administrator for one: amalgam dataset credentials --vc VC"


class Credentials(BaseModel):
    """Where the object store is, whom to trust there, and as whom to speak."""

    # Errors must not repeat what they are about.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: Annotated[str, Field(pattern=r"^https://[^/]+$")]
    vc: str
    """The virtual cluster (tenant) whose key it is."""
    role: Role
    access_key: str
    secret_key: Annotated[str, Field(repr=False)]
    ca_certificate: str
    """PEM."""


def default_file() -> Path:
    """Where a person's own file lies, unless :data:`FILE_VARIABLE` names another place."""
    return Path(os.environ.get(FILE_VARIABLE) or config_dir() / "datasets.json")


def save(credentials: Credentials, file: Path) -> None:
    """Write the file, for its owner alone.

    Raises:
        AmalgamError: it cannot be written.
    """
    write_private(file, credentials.model_dump_json(indent=1) + "\n")


def load(file: Path) -> Credentials:
    """Read the file.

    Raises:
        AmalgamError: it is not there, is open to others, or is no such file.
    """
    try:
        return Credentials.model_validate_json(read_private(file, remedy=_REMEDY))
    except ValidationError:
        raise AmalgamError("holds no credentials for datasets", where=str(file), remedy=_REMEDY) from None
