"""Module files for building a program from a module whose source is changed in a line or two.

``go build -overlay`` refuses files of the module cache, so the changed module is a copy that ``go.mod`` names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from amalgam.bundle.components import COMPONENTS_FILE, GoPatch
from amalgam.errors import AmalgamError

# Beside go.mod, so that no path of this machine gets into the program.
COPIES = "patched"


def write_patched(source: Path, target: Path, patches: Sequence[GoPatch], module_folder: Callable[[str], Path]) -> None:
    """Write to ``target`` the module files of ``source`` with changed copies of the modules that are patched.

    Args:
        source: folder with ``go.mod`` and ``go.sum``.
        target: a folder that is not there yet.
        patches: what to change.
        module_folder: gives the unpacked sources of a module, checked against ``go.sum``.

    Raises:
        AmalgamError: a file does not have the text that is to be replaced exactly once.
    """
    shutil.copytree(source, target)
    for module in sorted({patch.module for patch in patches}):
        _copy(module_folder(module), target / COPIES / module)
        with (target / "go.mod").open("a") as stream:
            stream.write(f"\nreplace {module} => ./{COPIES}/{module}\n")
    for patch in patches:
        _apply(patch, target / COPIES / patch.module / patch.file)


def _copy(source: Path, target: Path) -> None:
    # Files alone: the folders of the module cache can be written by nobody, and their copies could not be removed.
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _apply(patch: GoPatch, file: Path) -> None:
    text = file.read_text() if file.is_file() else ""
    found = text.count(patch.old)
    if found != 1:
        raise AmalgamError(
            f"what a patch replaces is there {found} times in {patch.module}/{patch.file}, and not once: {patch.old}",
            where=f"{COMPONENTS_FILE}: patches",
            remedy="see what became of it in this version, then change the patch or take it out",
        )
    file.write_text(text.replace(patch.old, patch.new))
