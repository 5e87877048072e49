"""The file by which a person or a job reaches the datasets of a VC."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from amalgam.credentials_file import CredentialsFile
from amalgam.datasets.layout import Role


class Credentials(CredentialsFile):
    """Where the object store is, whom to trust there, and as whom to speak."""

    service: ClassVar[str] = "datasets"
    variable: ClassVar[str] = "AMALGAM_DATASETS"
    remedy: ClassVar[str] = "ask the platform's administrator for one: amalgam dataset credentials --vc VC"

    endpoint: Annotated[str, Field(pattern=r"^https://[^/]+$")]
    vc: str
    """The virtual cluster (tenant) whose key it is."""
    role: Role
    access_key: str
    secret_key: Annotated[str, Field(repr=False)]
    ca_certificate: str
    """PEM."""
