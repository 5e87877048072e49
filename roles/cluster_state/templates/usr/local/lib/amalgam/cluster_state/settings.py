"""What the program is told by its file of settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Where the cluster is, and where what is known of it goes."""

    cluster: str
    """Name that the lines of the log carry."""
    servers: tuple[tuple[str, int], ...]
    """Address and port of each API server."""
    ca_file: Path
    token_file: Path
    listen: tuple[str, int]
    log_url: str
    """Of a vlagent; empty: events are not read."""
    position_file: Path


def read(file: Path) -> Settings:
    """Settings from a JSON file; keys are the names of the fields."""
    given: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return Settings(
        cluster=given["cluster"],
        servers=tuple((address, port) for address, port in given["servers"]),
        ca_file=Path(given["ca_file"]),
        token_file=Path(given["token_file"]),
        listen=(given["listen"][0], given["listen"][1]),
        log_url=given["log_url"],
        position_file=Path(given["position_file"]),
    )
