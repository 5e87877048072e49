"""Commands that refuse a file before it is put in place."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from amalgam.on_host import commands, tree_files
from amalgam.on_host.program import HostError
from amalgam.on_host.tree_plan import Change

ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def validate(changes: Iterable[Change], *, check_mode: bool) -> None:
    """Run each file's command on a private copy, which keeps its base name: some programs look at it.

    Raises:
        HostError: a command says no, or is missing; in check mode one that is missing is passed over.
    """
    for change in changes:
        command = shlex.split(change.validate or "")
        if check_mode and not (shutil.which(command[0]) or shutil.which(command[0], path=ADMIN_PATH)):
            continue
        with tempfile.TemporaryDirectory() as private:
            copy = Path(private, change.target.name)
            tree_files.replace(copy, change.content, change.mode, tree_files.Ownership.of_this_process())
            ran = commands.run([part.replace("%s", str(copy)) for part in command])
        if ran.rc != 0:
            report = ran.said.replace(str(copy), str(change.target))
            raise HostError(
                f"{change.target} was refused by its validation ({change.validate!r}, exit code {ran.rc}): {report}\n"
                "Nothing was changed; correct the template or its variables"
            )
