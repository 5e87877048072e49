#!/usr/bin/python
"""Unpack one archive of the bundle by checksum, and remember what was put where."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: bundle_archive
short_description: Unpack an archive of the bundle by checksum
description:
  - Downloads an archive over HTTPS, checks its sha256, and puts its files in place one by one, each in one step.
  - What it placed is recorded in C(var/lib/amalgam/archives/<name>.json) under O(dest). While record and files agree,
    nothing is downloaded.
  - Files of the archive's previous version that the new one lacks are removed.
  - A restart that a killed run left undone ("Restart <unit>" handlers) is notified again by the next run.
author: Amalgam
options:
  name:
    description: The archive's name on this host, which its record bears.
    type: str
    required: true
  url:
    description: Where the archive is served, HTTPS only.
    type: str
    required: true
  sha256:
    description: The archive's checksum, 64 hex digits.
    type: str
    required: true
  ca_path:
    description: Certificate of the only authority that is trusted for the download.
    type: path
    required: true
  dest:
    description: Folder that the archive's paths are relative to.
    type: path
    default: /
  handlers:
    description:
      - Path globs to a handler's name, or a list of names. A glob that matches no file of the archive is refused.
    type: dict
    default: {}
  rules:
    description: The handlers' globs, compiled. Set by the action plugin, not for playbooks.
    type: list
    elements: list
    default: []
attributes:
  check_mode:
    description: Predicts without downloading.
    support: full
"""

EXAMPLES = r"""
- name: Unpack the node's programs
  bundle_archive:
    name: node
    url: https://bundle.lab.amalgam.internal/archives/amd64/node.tar.gz
    sha256: "{{ node_archive_sha256 }}"
    ca_path: /etc/amalgam/pki/ca.crt
    handlers:
      usr/local/bin/containerd*: Restart containerd
"""

RETURN = r"""
changed_paths:
  description:
    - Paths that were written, corrected or removed, relative to O(dest).
    - Empty in check mode while they are not known yet.
  returned: always
  type: list
  elements: str
"""

RECORDS = Path("var/lib/amalgam/archives")
ATTEMPTS = 3
TIMEOUT_S = 60


def argument_spec() -> dict[str, Any]:
    return {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "sha256": {"type": "str", "required": True},
        "ca_path": {"type": "path", "required": True},
        "dest": {"type": "path", "default": "/"},
        "handlers": {"type": "dict", "default": {}},
        "rules": {"type": "list", "elements": "list", "default": []},
    }


@dataclass
class Staged:
    """A file of the archive, waiting beside its target."""

    target: Path
    size: int
    mode: int
    sha256: str = ""


class Archive:
    """One named archive on this host: its record, and what has to happen to agree with it."""

    def __init__(self, module: AnsibleModule) -> None:
        # Not at the top of the file: linters load modules outside Ansible, where our module_utils cannot be found.
        from ansible.module_utils import change_notices, tree_files

        self.files = tree_files
        self.notices = change_notices
        self.check: bool = module.check_mode
        self.name = module.params["name"]
        self.url = module.params["url"]
        self.sha256 = module.params["sha256"].lower()
        self.ca_path = Path(module.params["ca_path"])
        self.dest = Path(module.params["dest"])
        self.rules = module.params["rules"]
        self.owner = tree_files.Ownership.of_this_process()
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name):
            raise tree_files.TreeError(
                f"name {self.name!r} is no plain name; use lower-case letters, digits, dots and dashes"
            )
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise tree_files.TreeError(
                f"sha256 {self.sha256!r} is not 64 hex digits; take it from the bundle's manifest"
            )
        if not self.url.startswith("https://"):
            raise tree_files.TreeError(f"{self.url} is not served over HTTPS; the bundle server speaks HTTPS only")
        self.records = self.dest / RECORDS
        self.record_path = self.records / f"{self.name}.json"
        self.record = self.read_record()

    def run(self) -> dict[str, Any]:
        overdue = self.notices.overdue(self.rules, check_mode=self.check)
        same_archive = self.record.get("sha256") == self.sha256
        drifted = self.drifted()
        if same_archive:
            self.refuse_unmatched(self.record["files"])
        if same_archive and not drifted:
            return self.result([], overdue)
        if self.check:
            # Which files a new archive changes is not known before it is here: all that it may call for is predicted.
            called = self.called(drifted) if same_archive else [name for _, names in self.rules for name in names]
            return self.result(drifted if same_archive else [], [*called, *overdue], changed=True)
        changed = self.unpack()
        return self.result(changed, [*self.called(changed), *overdue])

    def result(self, changed_paths: list[str], notify: list[str], *, changed: bool = False) -> dict[str, Any]:
        notify = list(dict.fromkeys(notify))
        return {"changed": bool(changed or changed_paths or notify), "changed_paths": changed_paths, "notify": notify}

    def called(self, paths: Iterable[str]) -> list[str]:
        return self.notices.handlers_for(self.rules, paths)

    def read_record(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.record_path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def drifted(self) -> list[str]:
        """Recorded paths whose file is gone or no longer what was placed."""
        return [path for path, known in self.record.get("files", {}).items() if not self.agrees(path, known)]

    def agrees(self, path: str, known: dict[str, Any]) -> bool:
        found = self.files.lstat(self.dest / path)
        return (
            self.files.is_regular(found)
            and (found.st_size, found.st_mtime_ns, found.st_mode & 0o7777)
            == (known["size"], known["mtime_ns"], known["mode"])
            and self.owner.agrees(found)
        )

    def refuse_unmatched(self, paths: Iterable[str]) -> None:
        for pattern, names in self.rules:
            if not any(re.fullmatch(pattern, path) for path in paths):
                raise self.files.TreeError(
                    f"handlers: no file of archive {self.name!r} matches the glob for {', '.join(names)}; "
                    "correct the glob or remove it"
                )

    def unpack(self) -> list[str]:
        """Bring the archive here, stage all its files, and only then put them in place; returns what changed."""
        self.records.mkdir(mode=0o755, parents=True, exist_ok=True)
        download = self.records / f".{self.name}.part"
        staged: dict[str, Staged] = {}
        try:
            self.download(download)
            self.stage_members(download, staged)
            self.refuse_unmatched(staged)
            changed = self.place(staged)
        finally:
            download.unlink(missing_ok=True)
            for file in staged.values():
                self.files.staging_path(file.target).unlink(missing_ok=True)
        changed += self.remove_leftovers({file.target for file in staged.values()})
        self.write_record(staged)
        self.notices.finish(self.called(changed))
        return changed

    def download(self, to: Path) -> None:
        """Download and check the sha256; a connection that breaks is tried again."""
        if not self.ca_path.is_file():
            raise self.files.TreeError(f"ca_path {self.ca_path} is not there; place the site's CA certificate first")
        context = ssl.create_default_context(cafile=self.ca_path)
        # No proxy: the bundle server is inside the site.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with opener.open(self.url, timeout=TIMEOUT_S) as response:
                    digest = self.files.stage(to, self.files.read_chunks(response), 0o600, self.owner)
                break
            except (OSError, http.client.HTTPException) as error:
                if attempt == ATTEMPTS or is_final(error):
                    remedy = f"check the bundle server, what it serves, and its certificate against {self.ca_path}"
                    raise self.files.TreeError(f"{self.url}: {error}; {remedy}") from error
            time.sleep(attempt)
        self.files.put_in_place(to)
        if digest != self.sha256:
            raise self.files.TreeError(
                f"{self.url}: sha256 is {digest}, wanted {self.sha256}; nothing was unpacked. "
                "Check the bundle (amalgam bundle verify) and sync it again"
            )

    def stage_members(self, download: Path, staged: dict[str, Staged]) -> None:
        """Write every file of the archive beside its place."""
        with tarfile.open(download, "r|*") as archive:
            for member in archive:
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise self.files.TreeError(
                        f"{self.url}: member {member.name!r} is no regular file; archives of the bundle hold no others"
                    )
                path = os.path.normpath(member.name)
                target = self.files.resolve(self.dest, path)
                self.files.refuse_folder(target)
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                # Registered before it is written, so that what an error leaves behind is removed too.
                file = staged[path] = Staged(target, member.size, member.mode & 0o7777)
                file.sha256 = self.files.stage(target, self.files.read_chunks(content), file.mode, self.owner)

    def place(self, staged: dict[str, Staged]) -> list[str]:
        """Rename into place what differs in bytes, mode or owner; returns the paths that changed."""
        changed = []
        for path, file in staged.items():
            if not self.is_in_place(file):
                self.notices.begin(self.called([path]))
                self.files.put_in_place(file.target)
                changed.append(path)
        return changed

    def is_in_place(self, file: Staged) -> bool:
        found = self.files.lstat(file.target)
        return (
            self.files.is_regular(found)
            and (found.st_size, found.st_mode & 0o7777) == (file.size, file.mode)
            and self.owner.agrees(found)
            and self.files.sha256_of(file.target) == file.sha256
        )

    def remove_leftovers(self, targets: set[Path]) -> list[str]:
        """Remove what the archive's previous version placed and this one lacks; returns the removed paths."""
        removed = []
        for path in self.record.get("files", {}):
            target = self.files.resolve(self.dest, path)
            if target not in targets and os.path.lexists(target):
                self.notices.begin(self.called([path]))
                target.unlink()
                removed.append(path)
        return removed

    def write_record(self, staged: dict[str, Staged]) -> None:
        """Written last: a run that is killed before starts over, and finds what is in place by its bytes."""
        files = {
            path: {
                "size": file.size,
                "mode": file.mode,
                "sha256": file.sha256,
                "mtime_ns": file.target.lstat().st_mtime_ns,
            }
            for path, file in staged.items()
        }
        record = {"sha256": self.sha256, "files": files}
        self.files.write_record(self.record_path, json.dumps(record, indent=1, sort_keys=True))


def is_final(error: Exception) -> bool:
    """Whether trying again cannot help: the server's answer, or its certificate, is what is wrong."""
    return isinstance(error, urllib.error.HTTPError) or isinstance(getattr(error, "reason", None), ssl.SSLError)


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    from ansible.module_utils.tree_files import TreeError

    try:
        module.exit_json(**Archive(module).run())
    except (TreeError, OSError, tarfile.TarError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
