"""A subvolume group as ceph-csi has it, with its two clients: its commands, and its files as a worker sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.e2e.support.checkout import ROOT
from tests.e2e.support.nodes import Done, Node
from tests.e2e.support.waiting import wait_until

FILE_SYSTEM = "shared"
_CAPS = ROOT / "roles/ceph/templates/usr/local/libexec/amalgam/ceph-csi-caps"

# As the role's own script makes it, and takes it away.
_MAKE = """
import cephfs, sys
path, name, size = sys.argv[1:]
files = cephfs.LibCephFS(conffile="/etc/ceph/ceph.conf", auth_id="admin")
files.mount(filesystem_name="shared")
files.mkdirs(path, 0o755)
files.setxattr(path, "ceph.quota.max_bytes", size.encode(), 0)
files.setxattr(path, "ceph.dir.layout.pool_namespace", name.encode(), 0)
files.shutdown()
"""
# One operation of a client that has mounted the folder of a volume: prints its error, or what was read.
_FILES = """
import cephfs, sys
client, keyring, root, operation, name, *rest = sys.argv[1:]
files = cephfs.LibCephFS(conffile="/etc/ceph/ceph.conf", auth_id=client, conf={"keyring": keyring})
files.mount(mount_root=root.encode(), filesystem_name="shared")
try:
    if operation == "write":
        handle, size = files.open(name, "w", 0o644), int(rest[0])
        for offset in range(0, size, 1 << 20):
            files.write(handle, b"x" * min(1 << 20, size - offset), offset)
            files.fsync(handle, 0)
        print("%x" % files.stat(name).st_ino)
    elif operation == "size":
        print(files.stat(name).st_size, files.read(files.open(name, "r"), 0, 4))
    else:
        files.setxattr(name, operation, rest[0].encode(), 0)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
finally:
    files.shutdown()
"""


@dataclass(frozen=True)
class Group:
    """One group, on the storage node that commands are given on."""

    node: Node
    name: str

    @property
    def manager(self) -> str:
        """The client on the control plane."""
        return f"manager.{self.name}"

    def make(self, size: int) -> None:
        """Make the folder (``size`` bytes) and both clients, with the capabilities that the role gives them."""
        self.node.run(f"python3 - /volumes/{self.name} {self.name} {size}", stdin=_MAKE)
        for client in (self.name, self.manager):
            made = f"ceph auth get-or-create client.{client} -o {self.keyring(client)}"
            self.node.run(f"umask 077 && {made}")
        self.node.run(f"sh -s -- {FILE_SYSTEM} {self.name}", stdin=_CAPS.read_text())

    def remove(self) -> None:
        """Take all of it away."""
        listed = self.node.run(f"ceph fs subvolume ls {FILE_SYSTEM} --group_name {self.name} --format json").stdout
        for volume in (one["name"] for one in json.loads(listed)):
            where = f"{FILE_SYSTEM} {volume} --group_name {self.name}"
            snapshots = json.loads(self.node.run(f"ceph fs subvolume snapshot ls {where} --format json").stdout)
            for snapshot in (one["name"] for one in snapshots):
                wanted = f"{FILE_SYSTEM} {volume} {snapshot} --group_name {self.name}"
                self.node.run(f"ceph fs subvolume snapshot rm {wanted}")
            self.node.run(f"ceph fs subvolume rm {where}")
        self.node.run(f"ceph fs subvolumegroup rm {FILE_SYSTEM} {self.name}")
        for client in (self.name, self.manager):
            self.node.run(f"ceph auth rm client.{client} && rm {self.keyring(client)}")
        wait_until("nothing is left of its objects", self._remove_objects, lambda left: not left, seconds=120)

    def _remove_objects(self) -> str:
        """Take away what objects there are; those that are there afterwards.

        The metadata server removes them, too, may write a folder's last backtrace into one that has gone, and one with
        snapshots is listed until they have been trimmed:
        https://docs.ceph.com/en/latest/dev/osd_internals/snaps/.
        """
        left = ""
        for pool in ("data", "meta"):
            space = f"rados --pool {FILE_SYSTEM}.{pool} --namespace {self.name}"
            remove = f"while read -r object; do {space} rm $object || true; done"
            left += self.node.run(f"{space} ls | {remove}; {space} ls").stdout
        return left

    @staticmethod
    def keyring(client: str) -> str:
        """Where the key of a client lies on the node."""
        return f"/run/{client}.keyring"

    def ceph(self, client: str, command: str, *, check: bool = True) -> Done:
        """Give a command as one of the clients."""
        return self._as(client, f"ceph --connect-timeout 30 {command}", check)

    def rados(self, client: str, command: str, *, check: bool = True) -> Done:
        """Touch raw objects as one of the clients; ``command`` begins with the pool."""
        return self._as(client, f"timeout 60 rados --pool {command}", check)

    def _as(self, client: str, command: str, check: bool) -> Done:
        program, _, rest = command.partition(" --")
        identity = f"--name client.{client} --keyring {self.keyring(client)}"
        return self.node.run(f"{program} {identity} --{rest}", check=check)

    def volume(self, name: str, size: int) -> str:
        """Make a volume as ceph-csi does; its folder."""
        where = f"{FILE_SYSTEM} {name} --group_name {self.name}"
        self.ceph(self.manager, f"fs subvolume create {where} --size {size}")
        return self.path(name)

    def path(self, name: str) -> str:
        """Where a volume lies, as a worker finds it."""
        command = f"fs subvolume info {FILE_SYSTEM} {name} --group_name {self.name} --format json"
        path: str = json.loads(self.ceph(self.name, command).stdout)["path"]
        return path

    def files(self, root: str, operation: str, name: str, *arguments: object) -> Done:
        """Do one thing with a file of the volume at ``root`` as a worker: ``write`` SIZE, ``size``, or an attribute."""
        words = " ".join(str(word) for word in (self.name, self.keyring(self.name), root, operation, name, *arguments))
        return self.node.run(f"python3 - {words}", stdin=_FILES, check=False)

    def objects(self, namespace: str) -> set[str]:
        """Names of the data's raw objects in a namespace, less their number in the file."""
        space = f"--namespace {namespace}" if namespace else ""
        listed = self.node.run(f"rados --pool {FILE_SYSTEM}.data {space} ls").stdout
        return {line.partition(".")[0] for line in listed.splitlines()}
