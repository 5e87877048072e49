"""Files with secrets on a person's machine: for their owner's eyes, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from amalgam.errors import AmalgamError


def write_private(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` with mode 0600, in place of what was there.

    Raises:
        AmalgamError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError as error:
        raise AmalgamError(
            f"cannot be written: {error.strerror}", where=str(path), remedy="name another file"
        ) from error


def read_private(path: Path, *, remedy: str) -> str:
    """The text at ``path``.

    Raises:
        AmalgamError: it cannot be read (``remedy`` says how one comes by it), or others can read it too.
    """
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except OSError as error:
        raise AmalgamError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    if mode & 0o077:
        raise AmalgamError("others can read these secrets", where=str(path), remedy=f"chmod 600 {path}")
    return text
