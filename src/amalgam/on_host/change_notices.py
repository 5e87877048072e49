"""Which handlers a change calls for, also when the run that made the change was killed before they ran.

Before files are replaced, the "Restart <unit>" handlers they call for are noted under /run (gone with a reboot, as is
the need). The next run settles each note against systemd: a unit that started after the change has seen it, any other
is named again. Handlers with other names cannot be checked so, and are not noted.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from pathlib import Path

from amalgam.on_host import commands
from amalgam.on_host.program import HostError
from amalgam.on_host.tree_files import write_record

NOTES = Path("/run/amalgam/handlers-due.json")
_UNIT_HANDLER = re.compile(r"Restart (\S+)")

# Each rule: a regular expression over changed paths, and the handlers it calls for.
Rules = list[tuple[str, list[str]]]


def handlers_for(rules: Rules, paths: Iterable[str]) -> list[str]:
    """The handlers that changes to ``paths`` call for, each once, in the rules' order."""
    changed = list(paths)
    called = [names for pattern, names in rules if any(re.fullmatch(pattern, path) for path in changed)]
    return list(dict.fromkeys(name for names in called for name in names))


def overdue(rules: Rules, *, check_mode: bool) -> list[str]:
    """Handlers among ``rules`` that an earlier, killed run left undone; notes that are settled are dropped."""
    known = _read()
    mine = {name for _, names in rules for name in names}
    settled = {name for name, changed_at in known.items() if name in mine and _restarted(name, changed_at)}
    if settled and not check_mode:
        _write({name: changed_at for name, changed_at in known.items() if name not in settled})
    return [name for name in known if name in mine and name not in settled]


def begin(names: Iterable[str]) -> None:
    """Note the restarts that changes about to be made call for."""
    _note(names, None)


def finish(names: Iterable[str]) -> None:
    """The changes are made: a unit that starts from now on has seen them."""
    _note(names, time.monotonic_ns() // 1000)


def _note(names: Iterable[str], changed_at: int | None) -> None:
    due = [name for name in names if _UNIT_HANDLER.fullmatch(name)]
    if due:
        _write(_read() | dict.fromkeys(due, changed_at))


def _restarted(handler: str, changed_at: int | None) -> bool:
    """Whether the handler's unit has started since, or there is no such unit to restart.

    ``changed_at`` is None when a run was killed between the first and the last of its changes.
    """
    match = _UNIT_HANDLER.fullmatch(handler)
    if match is None:
        return True
    command = ["systemctl", "show", "--property=LoadState,InactiveExitTimestampMonotonic", match[1]]
    try:
        shown = commands.run(command)
    except HostError:
        return True
    if shown.rc != 0:
        return True
    properties = dict(line.split("=", 1) for line in shown.out.splitlines() if "=" in line)
    started_at = int(properties.get("InactiveExitTimestampMonotonic") or 0)
    return properties.get("LoadState") == "not-found" or (changed_at is not None and started_at > changed_at)


def _read() -> dict[str, int | None]:
    try:
        return dict(json.loads(NOTES.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _write(known: dict[str, int | None]) -> None:
    write_record(NOTES, json.dumps(known, sort_keys=True))
