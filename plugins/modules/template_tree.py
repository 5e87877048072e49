#!/usr/bin/python
"""Target side of template_tree: put a rendered tree in place, or nothing where a validation fails."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import shutil
import stat
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: template_tree
short_description: Render a role's templates and sync them in one round trip
description:
  - Renders every file under a role's C(templates/) on the controller with the task's variables, and puts the result in
    place on the target in one round trip. The path of a file under C(templates/) is its path on the target, C(.j2)
    taken off.
  - Files without C(.j2) are copied byte for byte. C(.gitkeep) only keeps an otherwise empty folder.
  - Accounts of the system come with the tree, as C(etc/sysusers.d/NAME.conf) (sysusers.d(5)); they are made before the
    files that belong to them.
  - Files that are not readable for all (mode 0640, 0600, ...) are secret. Their contents appear in no diff.
  - Globs are relative to the tree's root. C(*) stays within a folder, C(**) crosses folders. A glob that matches
    nothing is refused.
  - A restart that a killed run left undone ("Restart <unit>" handlers) is notified again by the next run.
  - The services that live on these files are seen to in the same round trip, see O(units).
author: Amalgam
options:
  src:
    description: Folder to render, absolute or relative to the role (or the playbook).
    type: str
    default: templates
  dest:
    description: Folder on the target that stands for the tree's root.
    type: path
    default: /
  owner:
    description: Owner of every file, and of the folders that are created or named in O(modes) or O(owners).
    type: str
    default: root
  group:
    description: Group of the same.
    type: str
    default: root
  mode:
    description: Mode of files that no glob in O(modes) matches.
    type: str
    default: "0644"
  dir_mode:
    description: Mode of folders that are created. Folders that are there keep theirs, unless O(modes) names them.
    type: str
    default: "0755"
  modes:
    description:
      - Path globs to modes, the last match wins.
      - A glob that ends with C(/), or a folder's plain path, means folders.
    type: dict
    default: {}
  owners:
    description:
      - Path globs to C(USER:GROUP) of what belongs to somebody else, the last match wins.
      - As in O(modes), a glob that ends with C(/), or a folder's plain path, means folders.
    type: dict
    default: {}
  exclude:
    description: Path globs of files to leave out on this host.
    type: list
    elements: str
    default: []
  extra:
    description: Files whose content is no template of the tree (certificates, keys).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path in the tree.
        type: str
        required: true
      content:
        description: The file's text.
        type: str
        required: true
      mode:
        description: Mode of this file, before O(modes).
        type: str
  folders:
    description: Folders that are to be there without a file of the tree below them, such as one that a variable names.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Path in the tree; slashes at both ends may be there.
        type: str
        required: true
      mode:
        description: Mode of the folder, as by O(modes).
        type: str
        required: true
      owner:
        description: C(USER:GROUP), as by O(owners).
        type: str
  links:
    description: Paths of symbolic links in the tree to what they point at.
    type: dict
    default: {}
  handlers:
    description: Path globs to a handler's name, or a list of names. Notified for paths that changed.
    type: dict
    default: {}
  validate:
    description:
      - Path globs to commands with C(%s), run on a staged copy of a changed file before anything is replaced.
      - When one fails, nothing is changed. In check mode a command that is not installed is passed over.
    type: dict
    default: {}
  units:
    description:
      - Units of systemd that run and start at boot once the tree is in place. One that is disabled is enabled, of one
        that does not run the handler "Restart <unit>" is notified.
      - A unit that was started and whose conditions do not hold (C(ConditionPathExists=) and the like) is left alone.
      - A mapping names the handler of each unit, where it is another than "Restart <unit>".
    type: dict
    default: {}
  payload:
    description: The rendered tree. Set by the action plugin, not for playbooks.
    type: str
attributes:
  check_mode:
    description: Predicts, on bare hosts too.
    support: full
  diff_mode:
    description: One diff per file.
    support: full
"""

EXAMPLES = r"""
- name: Configure
  template_tree:
    modes:
      etc/haproxy/certs/: "0700"
      etc/haproxy/certs/**: "0600"
    validate:
      etc/haproxy/haproxy.cfg: haproxy -c -f %s
    handlers:
      etc/haproxy/**: Restart haproxy
    units: [haproxy]
"""

RETURN = r"""
changed_paths:
  description: Paths that changed, relative to O(dest). Folders end with a slash.
  returned: always
  type: list
  elements: str
"""

DIFF_LIMIT_BYTES = 256 * 1024
HIDDEN = "contents hidden"
SYSUSERS = "etc/sysusers.d/"
ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def argument_spec() -> dict[str, Any]:
    extra = {
        "path": {"type": "str", "required": True},
        "content": {"type": "str", "required": True, "no_log": True},
        "mode": {"type": "str"},
    }
    folder = {
        "path": {"type": "str", "required": True},
        "mode": {"type": "str", "required": True},
        "owner": {"type": "str"},
    }
    return {
        "src": {"type": "str", "default": "templates"},
        "dest": {"type": "path", "default": "/"},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str", "default": "0644"},
        "dir_mode": {"type": "str", "default": "0755"},
        "modes": {"type": "dict", "default": {}},
        "owners": {"type": "dict", "default": {}},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "extra": {"type": "list", "elements": "dict", "options": extra, "default": []},
        "folders": {"type": "list", "elements": "dict", "options": folder, "default": []},
        "links": {"type": "dict", "default": {}},
        "handlers": {"type": "dict", "default": {}},
        "validate": {"type": "dict", "default": {}},
        "units": {"type": "dict", "default": {}},
        "payload": {"type": "str", "no_log": True},
    }


@dataclass(frozen=True)
class Folder:
    """A folder to create (nothing was found), or to correct."""

    path: str
    target: Path
    mode: int
    owner: str
    found: os.stat_result | None = None


@dataclass(frozen=True)
class Change:
    """One file that is to become different."""

    path: str
    target: Path
    content: bytes
    mode: int
    owner: str
    validate: str | None
    found: os.stat_result | None
    content_differs: bool


@dataclass(frozen=True)
class Link:
    """One symbolic link that is to become different."""

    path: str
    target: Path
    to: str
    found: os.stat_result | None


class TreeSync:
    """Plan what differs, then check it, then put it in place."""

    def __init__(self, module: AnsibleModule) -> None:
        # Not at the top of the file: linters load modules outside Ansible, where our module_utils cannot be found.
        from ansible.module_utils import change_notices, tree_files, units

        self.files = tree_files
        self.notices = change_notices
        self.units = units
        self.module = module
        self.check: bool = module.check_mode
        self.root = Path(module.params["dest"])
        self.tree = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
        self.rules = self.tree["handlers"]
        accounts = any(of_accounts(entry[0]) for entry in self.tree["files"])
        self.owners = self.look_up_owners(must_exist=not self.check and not accounts)

    def look_up_owners(self, *, must_exist: bool) -> dict[str, Any]:
        """The ownership that each ``USER:GROUP`` of the tree stands for."""
        entries = [*self.tree["folders"], *self.tree["files"]]
        names = dict.fromkeys([self.tree["owner"], *(owner for _, _, owner, *_ in entries)])
        return {name: self.files.Ownership.of(*name.split(":"), must_exist=must_exist) for name in names}

    def run(self) -> dict[str, Any]:
        overdue = self.notices.overdue(self.rules, check_mode=self.check)
        folders = self.changed_folders()
        changes = [change for entry in self.tree["files"] if (change := self.planned(*entry))]
        links = [link for entry in self.tree["links"] if (link := self.planned_link(*entry))]
        self.validate(changes)
        changed_paths = [change.path for change in (*folders, *changes, *links)]
        called = self.notices.handlers_for(self.rules, changed_paths)
        if self.module._diff:
            diffs = [*map(self.folder_diff, folders), *map(self.file_diff, changes), *map(self.link_diff, links)]
        if not self.check:
            self.notices.begin(called)
            self.apply(folders, changes, links)
            self.notices.finish(called)
        # Only now are units known whose files are part of the tree.
        wanted: dict[str, str] = self.module.params["units"]
        units = self.units.units_of(wanted)
        disabled = [unit for unit in units if not unit.starts_at_boot]
        stopped = [unit for unit in units if not unit.runs]
        if not self.check:
            self.units.enable(disabled)
        result: dict[str, Any] = {
            "changed": bool(changed_paths or overdue or disabled or stopped),
            "changed_paths": changed_paths,
            "notify": list(dict.fromkeys([*called, *overdue, *(wanted[unit.name] for unit in stopped)])),
        }
        if self.module._diff:
            diffs += [diff(f"unit {unit.name}", "disabled\n", "enabled\n") for unit in disabled]
            diffs += [diff(f"unit {unit.name}", "stopped\n", "running\n") for unit in stopped]
            result["diff"] = diffs
        return result

    def changed_folders(self) -> list[Folder]:
        mode, owner = int(self.tree["dir_mode"], 8), self.tree["owner"]
        changed = [Folder("./", missing, mode, owner) for missing in missing_folders(self.root)]
        for path, mode_text, owner, named in self.tree["folders"]:
            target = self.files.resolve(self.root, path).resolve()
            mode = int(mode_text, 8)
            if not os.path.lexists(target):
                changed.append(Folder(path, target, mode, owner))
                continue
            found = target.stat()
            if not stat.S_ISDIR(found.st_mode):
                raise self.files.TreeError(f"{target} is not a folder, but the tree has files below it; move it away")
            if named and (found.st_mode & 0o7777 != mode or not self.owners[owner].agrees(found)):
                changed.append(Folder(path, target, mode, owner, found))
        return changed

    def planned(self, path: str, mode_text: str, owner: str, text: str, validate: str | None) -> Change | None:
        """What has to happen to one file, None where it agrees to the byte, mode and owner."""
        content = text.encode("utf-8", "surrogateescape")
        mode = int(mode_text, 8)
        target = self.files.resolve(self.root, path)
        self.files.refuse_folder(target)
        found = self.files.lstat(target)
        if found and not self.check:
            self.files.staging_path(target).unlink(missing_ok=True)
        same = self.files.is_regular(found) and found.st_size == len(content) and target.read_bytes() == content
        if same and found.st_mode & 0o7777 == mode and self.owners[owner].agrees(found):
            return None
        return Change(path, target, content, mode, owner, validate, found, not same)

    def planned_link(self, path: str, to: str) -> Link | None:
        target = self.files.resolve(self.root, path)
        self.files.refuse_folder(target)
        found = self.files.lstat(target)
        if found and not self.check:
            self.files.staging_path(target).unlink(missing_ok=True)
        if found and stat.S_ISLNK(found.st_mode) and str(target.readlink()) == to:
            return None
        return Link(path, target, to, found)

    def validate(self, changes: list[Change]) -> None:
        """Run the validation commands on private copies, which keep their base name: some programs look at it."""
        for change in changes:
            if not change.validate or not change.content_differs:
                continue
            command = shlex.split(change.validate)
            if self.check and not (shutil.which(command[0]) or shutil.which(command[0], path=ADMIN_PATH)):
                continue
            with tempfile.TemporaryDirectory(dir=self.module.tmpdir) as private:
                copy = Path(private, change.target.name)
                self.files.replace(copy, change.content, change.mode, self.files.Ownership.of_this_process())
                filled = [part.replace("%s", str(copy)) for part in command]
                rc, out, err = self.module.run_command(filled, expand_user_and_vars=False)
            if rc != 0:
                report = (err.strip() or out.strip()).replace(str(copy), str(change.target))
                raise self.files.TreeError(
                    f"{change.target} was refused by its validation ({change.validate!r}, exit code {rc}): {report}\n"
                    "Nothing was changed; correct the template or its variables"
                )

    def apply(self, folders: list[Folder], changes: list[Change], links: list[Link]) -> None:
        accounts = [change for change in changes if of_accounts(change.path)]
        self.write([folder for folder in folders if of_accounts(folder.path)], accounts)
        self.make_accounts([*folders, *changes], changed=bool(accounts))
        self.write(
            [folder for folder in folders if not of_accounts(folder.path)],
            [change for change in changes if not of_accounts(change.path)],
        )
        for link in links:
            self.files.replace_link(link.target, link.to)

    def write(self, folders: list[Folder], changes: list[Change]) -> None:
        for folder in folders:
            if folder.found is None:
                folder.target.mkdir(0o700)
            self.files.set_owner_and_mode(folder.target, folder.mode, self.owners[folder.owner])
        for change in changes:
            owner = self.owners[change.owner]
            if change.content_differs:
                self.files.replace(change.target, change.content, change.mode, owner)
            else:
                self.files.set_owner_and_mode(change.target, change.mode, owner)

    def make_accounts(self, planned: list[Folder | Change], *, changed: bool) -> None:
        """Make the tree's accounts where their files changed, or where a run was killed before they were made."""
        files = [str(self.root / entry[0]) for entry in self.tree["files"] if of_accounts(entry[0])]
        if not files or not (changed or any(not self.owners[change.owner].known for change in planned)):
            return
        command = ["systemd-sysusers", *files]
        rc, out, err = self.module.run_command(command)
        if rc != 0:
            raise self.files.TreeError(
                f"`{shlex.join(command)}` failed: {err.strip() or out.strip()}; correct the file"
            )
        self.owners = self.look_up_owners(must_exist=True)

    def folder_diff(self, folder: Folder) -> dict[str, str]:
        before = described(folder.found.st_mode, folder.found) if folder.found else "absent\n"
        return diff(f"{folder.target}/", before, described(folder.mode, self.owners[folder.owner]))

    def file_diff(self, change: Change) -> dict[str, str]:
        header = str(change.target)
        if change.found and not change.content_differs:
            return diff(
                header, described(change.found.st_mode, change.found), described(change.mode, self.owners[change.owner])
            )
        regular = self.files.is_regular(change.found)
        # A file that was secret stays secret when its mode is opened, as does one that is about to become secret.
        if is_secret(change.mode) or (regular and change.found and is_secret(change.found.st_mode)):
            return diff(header, f"{HIDDEN}\n" if change.found else "absent\n", f"{HIDDEN} (changed)\n")
        return diff(header, shown(change.target.read_bytes()) if regular else "", shown(change.content))

    def link_diff(self, link: Link) -> dict[str, str]:
        if link.found is None:
            before = "absent\n"
        else:
            before = f"link to {link.target.readlink()}\n" if stat.S_ISLNK(link.found.st_mode) else "no link\n"
        return diff(str(link.target), before, f"link to {link.to}\n")


def diff(header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def of_accounts(path: str) -> bool:
    """Whether a path of the tree is a description of accounts, or a folder above one (``./`` is above all)."""
    return path.startswith(SYSUSERS) or SYSUSERS.startswith(path.removeprefix("./"))


def is_secret(mode: int) -> bool:
    return mode & 0o004 == 0


def missing_folders(root: Path) -> list[Path]:
    """The folders to create, parents first, before ``root`` is there."""
    return [folder for folder in [*reversed(root.parents), root] if not folder.is_dir()]


def described(mode: int, owner: Any) -> str:  # noqa: ANN401 - a stat result or an Ownership
    uid, gid = (owner.st_uid, owner.st_gid) if isinstance(owner, os.stat_result) else (owner.uid, owner.gid)
    return f"mode {mode & 0o7777:04o}, owner {uid}:{gid}\n"


def shown(content: bytes) -> str:
    """What a diff may print of a file."""
    if len(content) <= DIFF_LIMIT_BYTES:
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode()
    return f"({len(content)} bytes, not shown: binary or large)\n"


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if not module.params["payload"]:
        module.fail_json(msg="template_tree runs through its action plugin; check action_plugins in ansible.cfg")
    from ansible.module_utils.tree_files import TreeError

    try:
        module.exit_json(**TreeSync(module).run())
    except (TreeError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
