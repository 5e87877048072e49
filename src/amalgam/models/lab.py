"""What a site says about being brought up on this machine: the mapping ``lab`` in ``group_vars/all/lab.yml``.

A site without it is a real one, and ``amalgam lab up`` refuses it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]
MemoryMib = Annotated[int, Field(ge=256)]


class Forward(BaseModel):
    """A port of a node that this machine's loopback opens for people. SSH (22) is always forwarded, and not listed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(min_length=1)]
    """What answers there, for the table of addresses."""
    host: str
    """Name of the node in the inventory."""
    port: Port


class LabSettings(BaseModel):
    """The mapping ``lab``. An empty mapping is a lab with no limits and no addresses to open."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    forwards: list[Forward] = []
    memory_mib: dict[str, MemoryMib] = {}
    """Memory limit by node name, in MiB; a node not named has none."""
    mail_host: str | None = None
    """Name of the node with a mail server, which takes in what alerts send; none where it is not named."""
