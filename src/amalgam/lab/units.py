"""Units of systemd in a node's disk, there before it boots."""

from __future__ import annotations

from pathlib import Path


def enable(upper: Path, name: str, text: str) -> None:
    """Write the service ``name`` into the upper layer of a node's disk, and have each boot start it."""
    unit = upper / f"etc/systemd/system/{name}.service"
    wanted = unit.parent / "multi-user.target.wants" / unit.name
    wanted.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(text)
    wanted.symlink_to(f"/etc/systemd/system/{unit.name}")
