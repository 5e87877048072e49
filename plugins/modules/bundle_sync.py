#!/usr/bin/python
"""Target side of bundle_sync: say what is missing, unpack and verify what arrived, and publish the manifest last."""

from __future__ import annotations

import base64
import json
import tarfile
import zlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: bundle_sync
short_description: Bring a bundle onto the host that serves it
description:
  - Makes O(dest) hold what the bundle's manifest lists (for O(arches) and O(include)), and nothing else.
  - Only what is missing or different is sent, packed into few archives. Every file is verified against its sha256 on
    the target before it gets its name. The manifest is written last, so an interrupted run is resumed by the next.
  - A file that was verified once is not read again while its size and time stay the same.
author: Amalgam
options:
  src:
    description: The bundle on the controller.
    type: str
    required: true
  dest:
    description: Folder on the target. It belongs to this module, other files in it are removed.
    type: path
    required: true
  arches:
    description: Architectures whose files are wanted. Images are always whole.
    type: list
    elements: str
    choices: [amd64, arm64]
    required: true
  include:
    description: Path globs of the parts that are wanted. A glob that matches nothing is refused.
    type: list
    elements: str
    default: ["**"]
  payload:
    description: What the target is to hold. Set by the action plugin, not for playbooks.
    type: str
  archive:
    description: Where the action plugin put an archive of missing files. Not for playbooks.
    type: path
attributes:
  check_mode:
    description: Predicts what would be sent and removed.
    support: full
"""

EXAMPLES = r"""
- name: Bring the bundle here
  bundle_sync:
    src: "{{ bundle_path }}"
    arches: [amd64]
    include: ["debian/**", "images/**", "archives/**"]
"""

RETURN = r"""
sent:
  description: Paths that were sent (or would be).
  returned: always
  type: list
  elements: str
removed:
  description: Paths that were removed (or would be).
  returned: always
  type: list
  elements: str
"""

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
# What was verified: path -> [size, time of change in ns, sha256].
VERIFIED = ".verified.json"
INCOMING = ".incoming.tar"
OURS = {MANIFEST, SIGNATURE, VERIFIED}


class BundleFolder:
    """The bundle on the target, compared with what it should be."""

    def __init__(self, module: AnsibleModule) -> None:
        # Not at the top of the file: linters load modules outside Ansible, where our module_utils cannot be found.
        from ansible.module_utils import tree_files

        self.files = tree_files
        self.check: bool = module.check_mode
        self.dest = Path(module.params["dest"])
        self.archive: str | None = module.params["archive"]
        payload = json.loads(zlib.decompress(base64.b64decode(module.params["payload"])))
        self.wanted: dict[str, list[Any]] = {path: [size, sha256] for path, size, sha256 in payload["files"]}
        self.manifest: dict[str, str] = payload["manifest"]
        self.owner = tree_files.Ownership.of_this_process()
        self.verified = self.read_verified()

    def run(self) -> dict[str, Any]:
        if self.archive:
            self.unpack(Path(self.archive))
        missing = self.missing()
        extra = self.extra()
        stale = [name for name, text in self.manifest.items() if not self.holds(name, text)]
        result = {"changed": bool(missing or extra or stale), "missing": missing, "removed": extra}
        if self.check:
            return result
        self.write_verified()
        if missing:
            return result | {"incoming": str(self.dest / INCOMING)}
        for path in extra:
            self.remove(path)
        for name in stale:
            self.files.replace(self.dest / name, self.manifest[name].encode(), 0o644, self.owner)
        return result

    def missing(self) -> list[str]:
        """Paths that are not there with the wanted bytes. What is there but was not verified yet is read, once."""
        return [path for path, (size, sha256) in self.wanted.items() if not self.is_there(path, size, sha256)]

    def is_there(self, path: str, size: int, sha256: str) -> bool:
        target = self.files.resolve(self.dest, path)
        found = self.files.lstat(target)
        if found is None or not self.files.is_regular(found) or found.st_size != size:
            return False
        state = [size, found.st_mtime_ns, sha256]
        if self.verified.get(path) != state:
            if self.files.sha256_of(target) != sha256:
                return False
            self.verified[path] = state
        return True

    def extra(self) -> list[str]:
        """Paths in the folder that nobody wants: of an earlier bundle, or left by a killed run."""
        found = [file.relative_to(self.dest).as_posix() for file in self.dest.rglob("*") if not is_folder(file)]
        return sorted(path for path in found if path not in self.wanted and path not in OURS)

    def holds(self, name: str, text: str) -> bool:
        target = self.dest / name
        return target.is_file() and target.read_bytes() == text.encode()

    def unpack(self, archive: Path) -> None:
        """Put each file in place once its bytes are verified; what was unpacked stays when a later one fails."""
        try:
            with tarfile.open(archive, "r|") as tar:
                for member in tar:
                    self.unpack_member(tar, member)
        finally:
            archive.unlink()
            self.write_verified()

    def unpack_member(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        content = tar.extractfile(member) if member.isreg() else None
        if content is None or member.name not in self.wanted:
            raise self.files.TreeError(f"{member.name!r} arrived but is no file of the bundle; run the task again")
        size, sha256 = self.wanted[member.name]
        target = self.files.resolve(self.dest, member.name)
        self.files.refuse_folder(target)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        digest = self.files.stage(target, self.files.read_chunks(content), 0o644, self.owner)
        if digest != sha256:
            self.files.staging_path(target).unlink()
            raise self.files.TreeError(
                f"{member.name} arrived with sha256 {digest}, the manifest says {sha256}; "
                "check the bundle on the controller (amalgam bundle verify)"
            )
        self.files.put_in_place(target)
        self.verified[member.name] = [size, target.lstat().st_mtime_ns, sha256]

    def remove(self, path: str) -> None:
        target = self.dest / path
        target.unlink()
        for folder in target.parents:
            if folder == self.dest or any(folder.iterdir()):
                break
            folder.rmdir()

    def read_verified(self) -> dict[str, list[Any]]:
        try:
            return dict(json.loads((self.dest / VERIFIED).read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}

    def write_verified(self) -> None:
        known = {path: state for path, state in self.verified.items() if path in self.wanted}
        if known != self.read_verified() or not self.dest.is_dir():
            self.files.write_record(self.dest / VERIFIED, json.dumps(known, sort_keys=True))


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def main() -> None:
    spec = {
        "src": {"type": "str", "required": True},
        "dest": {"type": "path", "required": True},
        "arches": {"type": "list", "elements": "str", "choices": ["amd64", "arm64"], "required": True},
        "include": {"type": "list", "elements": "str", "default": ["**"]},
        "payload": {"type": "str", "no_log": True},
        "archive": {"type": "path"},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if not module.params["payload"]:
        module.fail_json(msg="bundle_sync runs through its action plugin; check action_plugins in ansible.cfg")
    from ansible.module_utils.tree_files import TreeError

    try:
        module.exit_json(**BundleFolder(module).run())
    except (TreeError, OSError, tarfile.TarError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
