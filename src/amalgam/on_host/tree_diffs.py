"""What a diff shows of a tree's changes; nothing of what is secret."""

from __future__ import annotations

import stat

from amalgam.on_host.tree_files import Ownership, is_regular
from amalgam.on_host.tree_plan import Change, Folder, Link

DIFF_LIMIT_BYTES = 256 * 1024
HIDDEN = "contents hidden"

Diff = dict[str, str]


def diff(header: str, before: str, after: str) -> Diff:
    """One difference, as Ansible prints it."""
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def of_folder(folder: Folder, owner: Ownership) -> Diff:
    """A folder is there, with its mode and owner."""
    before = _described(folder.found.st_mode, Ownership.found(folder.found)) if folder.found else "absent\n"
    return diff(f"{folder.target}/", before, _described(folder.mode, owner))


def of_file(change: Change, owner: Ownership) -> Diff:
    """A file has its content, or its mode and owner where that is all."""
    header = str(change.target)
    if change.found and not change.content_differs:
        before = _described(change.found.st_mode, Ownership.found(change.found))
        return diff(header, before, _described(change.mode, owner))
    regular = is_regular(change.found)
    # A file that was secret stays secret when its mode is opened, as does one that is about to become secret.
    if _is_secret(change.mode) or (regular and change.found and _is_secret(change.found.st_mode)):
        return diff(header, f"{HIDDEN}\n" if change.found else "absent\n", f"{HIDDEN} (changed)\n")
    return diff(header, _shown(change.target.read_bytes()) if regular else "", _shown(change.content))


def of_link(link: Link) -> Diff:
    """A link points where it should."""
    if link.found is None:
        before = "absent\n"
    else:
        before = f"link to {link.target.readlink()}\n" if stat.S_ISLNK(link.found.st_mode) else "no link\n"
    return diff(str(link.target), before, f"link to {link.to}\n")


def _is_secret(mode: int) -> bool:
    return mode & 0o004 == 0


def _described(mode: int, owner: Ownership) -> str:
    return f"mode {mode & 0o7777:04o}, owner {owner.uid}:{owner.gid}\n"


def _shown(content: bytes) -> str:
    """What may be printed of a file."""
    if len(content) <= DIFF_LIMIT_BYTES:
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass
    return f"({len(content)} bytes, not shown: binary or large)\n"
