"""Put a rendered tree in place, or nothing where a validation fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from amalgam.on_host import change_notices, commands, tree_diffs, tree_files, units
from amalgam.on_host.program import HostError, Request
from amalgam.on_host.tree_plan import Change, Folder, Link

SYSUSERS = "etc/sysusers.d/"


def run(request: Request) -> dict[str, Any]:
    """Have ``tree`` be in place below ``dest``, and see to the ``units`` that live on it.

    Raises:
        HostError: a validation fails, an account is missing, a path leads astray, or a unit cannot be enabled.
    """
    return _TreeSync(request).run()


class _TreeSync:
    """Plan what differs, then check it, then put it in place."""

    def __init__(self, request: Request) -> None:
        self._check, self._diff = request.check_mode, request.diff
        self._root = Path(request.params["dest"])
        self._tree: dict[str, Any] = request.params["tree"]
        self._units: dict[str, str] = request.params["units"]
        self._rules: change_notices.Rules = self._tree["handlers"]
        accounts = any(_of_accounts(entry[0]) for entry in self._tree["files"])
        self._owners = self._look_up_owners(must_exist=not self._check and not accounts)

    def _look_up_owners(self, *, must_exist: bool) -> dict[str, tree_files.Ownership]:
        """The ownership that each ``USER:GROUP`` of the tree stands for."""
        entries = [*self._tree["folders"], *self._tree["files"]]
        names = dict.fromkeys([self._tree["owner"], *(owner for _, _, owner, *_ in entries)])
        return {name: tree_files.Ownership.of(*name.split(":"), must_exist=must_exist) for name in names}

    def run(self) -> dict[str, Any]:
        overdue = change_notices.overdue(self._rules, check_mode=self._check)
        folders = self._changed_folders()
        changes = [change for entry in self._tree["files"] if (change := self._planned(*entry))]
        links = [link for entry in self._tree["links"] if (link := self._planned_link(*entry))]
        self._validate(changes)
        changed_paths = [one.path for planned in (folders, changes, links) for one in planned]
        called = change_notices.handlers_for(self._rules, changed_paths)
        if self._diff:
            diffs = [tree_diffs.of_folder(folder, self._owners[folder.owner]) for folder in folders]
            diffs += [tree_diffs.of_file(change, self._owners[change.owner]) for change in changes]
            diffs += [tree_diffs.of_link(link) for link in links]
        if not self._check:
            change_notices.begin(called)
            self._apply(folders, changes, links)
            change_notices.finish(called)
        # Only now are units known whose files are part of the tree.
        found = units.units_of(self._units)
        disabled = [unit for unit in found if not unit.starts_at_boot]
        stopped = [unit for unit in found if not unit.runs]
        if not self._check:
            units.enable(disabled)
        result: dict[str, Any] = {
            "changed": bool(changed_paths or overdue or disabled or stopped),
            "changed_paths": changed_paths,
            "notify": list(dict.fromkeys([*called, *overdue, *(self._units[unit.name] for unit in stopped)])),
        }
        if self._diff:
            diffs += [tree_diffs.diff(f"unit {unit.name}", "disabled\n", "enabled\n") for unit in disabled]
            diffs += [tree_diffs.diff(f"unit {unit.name}", "stopped\n", "running\n") for unit in stopped]
            result["diff"] = diffs
        return result

    def _changed_folders(self) -> list[Folder]:
        mode, owner = int(self._tree["dir_mode"], 8), self._tree["owner"]
        changed = [Folder("./", missing, mode, owner) for missing in _missing_folders(self._root)]
        for path, mode_text, owner, named in self._tree["folders"]:
            target = tree_files.resolve(self._root, path).resolve()
            mode = int(mode_text, 8)
            if not os.path.lexists(target):
                changed.append(Folder(path, target, mode, owner))
                continue
            found = target.stat()
            if not stat.S_ISDIR(found.st_mode):
                raise HostError(f"{target} is not a folder, but the tree has files below it; move it away")
            if named and (found.st_mode & 0o7777 != mode or not self._owners[owner].agrees(found)):
                changed.append(Folder(path, target, mode, owner, found))
        return changed

    def _planned(self, path: str, mode_text: str, owner: str, text: str, validate: str | None) -> Change | None:
        """What has to happen to one file, None where it agrees to the byte, mode and owner."""
        content = text.encode("utf-8", "surrogateescape")
        mode = int(mode_text, 8)
        target = tree_files.resolve(self._root, path)
        tree_files.refuse_folder(target)
        found = tree_files.lstat(target)
        if found and not self._check:
            tree_files.staging_path(target).unlink(missing_ok=True)
        same = tree_files.is_regular(found) and found.st_size == len(content) and target.read_bytes() == content
        if found and same and found.st_mode & 0o7777 == mode and self._owners[owner].agrees(found):
            return None
        return Change(path, target, content, mode, owner, validate, found, not same)

    def _planned_link(self, path: str, to: str) -> Link | None:
        target = tree_files.resolve(self._root, path)
        tree_files.refuse_folder(target)
        found = tree_files.lstat(target)
        if found and not self._check:
            tree_files.staging_path(target).unlink(missing_ok=True)
        if found and stat.S_ISLNK(found.st_mode) and str(target.readlink()) == to:
            return None
        return Link(path, target, to, found)

    def _validate(self, changes: list[Change]) -> None:
        if asked := [change for change in changes if change.validate and change.content_differs]:
            from amalgam.on_host import tree_validation  # imports what a run without changes can do without

            tree_validation.validate(asked, check_mode=self._check)

    def _apply(self, folders: list[Folder], changes: list[Change], links: list[Link]) -> None:
        accounts = [change for change in changes if _of_accounts(change.path)]
        self._write([folder for folder in folders if _of_accounts(folder.path)], accounts)
        self._make_accounts([*folders, *changes], changed=bool(accounts))
        self._write(
            [folder for folder in folders if not _of_accounts(folder.path)],
            [change for change in changes if not _of_accounts(change.path)],
        )
        for link in links:
            tree_files.replace_link(link.target, link.to)

    def _write(self, folders: list[Folder], changes: list[Change]) -> None:
        for folder in folders:
            if folder.found is None:
                folder.target.mkdir(0o700)
            tree_files.set_owner_and_mode(folder.target, folder.mode, self._owners[folder.owner])
        for change in changes:
            owner = self._owners[change.owner]
            if change.content_differs:
                tree_files.replace(change.target, change.content, change.mode, owner)
            else:
                tree_files.set_owner_and_mode(change.target, change.mode, owner)

    def _make_accounts(self, planned: list[Folder | Change], *, changed: bool) -> None:
        """Make the tree's accounts where their files changed, or where a run was killed before they were made."""
        files = [str(self._root / entry[0]) for entry in self._tree["files"] if _of_accounts(entry[0])]
        if not files or not (changed or any(not self._owners[change.owner].known for change in planned)):
            return
        command = ["systemd-sysusers", *files]
        ran = commands.run(command)
        if ran.rc != 0:
            raise HostError(f"`{' '.join(command)}` failed: {ran.said}; correct the file")
        self._owners = self._look_up_owners(must_exist=True)


def _of_accounts(path: str) -> bool:
    """Whether a path of the tree is a description of accounts, or a folder above one (``./`` is above all)."""
    return path.startswith(SYSUSERS) or SYSUSERS.startswith(path.removeprefix("./"))


def _missing_folders(root: Path) -> list[Path]:
    """The folders to create, parents first, before ``root`` is there."""
    return [folder for folder in [*reversed(root.parents), root] if not folder.is_dir()]
