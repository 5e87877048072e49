"""One tag, two architectures: each node's container runtime takes its own.

The runtime of the other architecture is the bundle's own containerd, run on a worker under QEMU's user-mode emulation.
It does what it does at every pull: resolve the tag, choose from the index by its own architecture, unpack.
"""

from __future__ import annotations

import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from amalgam.lab.emulation import own_architecture, require
from amalgam.lab.environment import environment
from amalgam.pins import load_lock
from tests.e2e.support.checkout import program
from tests.e2e.support.nodes import Lab, Node, run_local
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(3600)

# ELF specification, e_machine, as od prints it: x86-64 and AArch64.
_MACHINES = {"amd64": "62", "arm64": "183"}
_QEMU = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}
_FOLDER = "/root/other-architecture"
_SETTINGS = f"""
version = 3
root = "{_FOLDER}/root"
state = "{_FOLDER}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
address = "{_FOLDER}/containerd.sock"
"""


@dataclass(frozen=True)
class Runtime:
    """A container runtime on a worker."""

    node: Node
    architecture: str
    ctr: str

    def machine_of(self, image: str, file: str) -> str:
        """Pull the image, and say which architecture one of its programs is for."""
        mount = f"/run/soak-{self.architecture}"
        self.node.run(
            f"{self.ctr} images pull --local --snapshotter native --hosts-dir /etc/containerd/certs.d {image} && "
            f"mkdir --parents {mount} && {self.ctr} images mount --snapshotter native {image} {mount}",
            seconds=600,
        )
        try:
            return self.node.run(
                f"od --address-radix=n --skip-bytes=18 --read-bytes=2 -td2 {mount}/{file}"
            ).stdout.strip()
        finally:
            self.node.run(f"umount {mount} && rmdir {mount} && {self.ctr} images remove --sync {image}")


@pytest.fixture(scope="module")
def image(lab: Lab, bundle: Path) -> Iterator[str]:
    """The test programs' image with both architectures, in a project that everybody pulls from."""
    pin = load_lock().image("agnhost")
    name, site = f"library/both-{secrets.token_hex(3)}:1", ["-i", lab.state.inventory]
    command = [program("amalgam"), "image", "import", str(bundle / "images"), name]
    run_local([*command, "--image", f"{pin.repository}:{pin.tag}", *site], env=environment(lab.names))
    yield f"{lab.registry}/{name}"
    run_local([program("amalgam"), "image", "delete", "--yes", name, *site], env=environment(lab.names))


@pytest.fixture
def native(lab: Lab) -> Runtime:
    """The runtime that the worker has."""
    return Runtime(lab.node(lab.members("workers")[0]), own_architecture(), "ctr --namespace soak")


@pytest.fixture
def emulated(lab: Lab, bundle: Path, tmp_path: Path) -> Iterator[Runtime]:
    """The other architecture's runtime, on the same worker."""
    architecture = "arm64" if own_architecture() == "amd64" else "amd64"
    require(architecture, where="this test")
    node = lab.node(lab.members("workers")[0])
    with tarfile.open(bundle / "archives" / architecture / "containerd.tar.gz") as archive:
        for name in ("containerd", "ctr"):
            archive.extract(f"usr/local/bin/{name}", tmp_path, filter="data")
    (tmp_path / "config.toml").write_text(_SETTINGS)
    files = [tmp_path / "config.toml", *(tmp_path / "usr/local/bin").iterdir(), Path("/usr/bin", _QEMU[architecture])]
    node.run(f"mkdir --parents {_FOLDER}")
    run_local(["scp", "-q", "-F", str(node.ssh_config), *map(str, files), f"{node.name}:{_FOLDER}"])
    qemu = f"{_FOLDER}/{_QEMU[architecture]}"
    daemon: subprocess.Popen[bytes] = node.start(f"exec {qemu} {_FOLDER}/containerd --config {_FOLDER}/config.toml")
    ctr = f"{qemu} {_FOLDER}/ctr --address {_FOLDER}/containerd.sock --namespace soak"
    try:
        wait_until("it answers", lambda: node.run(f"{ctr} version", check=False).rc == 0, seconds=120)
        yield Runtime(node, architecture, ctr)
    finally:
        node.run(f"pkill --full '^{qemu} {_FOLDER}/containerd'", check=False)
        daemon.wait(timeout=60)
        node.run(
            f"grep --only-matching '{_FOLDER}[^ ]*' /proc/mounts | sort --reverse | xargs --no-run-if-empty umount"
        )
        node.run(f"rm --recursive {_FOLDER}")


def test_each_architecture_gets_its_own_from_the_same_tag(native: Runtime, emulated: Runtime, image: str) -> None:
    for runtime in (native, emulated):
        assert runtime.machine_of(image, "agnhost") == _MACHINES[runtime.architecture]
