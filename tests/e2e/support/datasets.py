"""People with keys to datasets: the command line as they run it, and the same bucket as a program sees it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from amalgam.datasets.bucket import Bucket
from amalgam.datasets.credentials import Credentials
from amalgam.datasets.layout import bucket_name
from amalgam.datasets.parts import SMALLEST_PART
from tests.e2e.support.checkout import program
from tests.e2e.support.nodes import Done, Lab, Node, run_local

# As inventories/lab/group_vars/all/ceph.yml has them: nlp reads what vision has, and not the other way round.
VC, READING_VC = "vision", "nlp"


@dataclass(frozen=True)
class Keys:
    """Credentials of every VC and role, made as an administrator makes them."""

    lab: Lab
    folder: Path

    def file(self, role: str = "member", vc: str = VC) -> Path:
        """A credentials file."""
        file = self.folder / f"{vc}-{role}.json"
        if not file.exists():
            options = ["--vc", vc, "--role", role, "--output", str(file)]
            run_local([program("amalgam"), "dataset", "credentials", "-i", self.lab.state.inventory, *options])
        return file

    def credentials(self, role: str = "member", vc: str = VC) -> Credentials:
        """What is in a credentials file."""
        return Credentials.load(self.file(role, vc))

    def bucket(self, role: str = "member", vc: str = VC, *, of: str = "", timeout_s: float = 60.0) -> Bucket:
        """The bucket of ``of``, by default the own one, as a program with this key sees it."""
        return Bucket(self.credentials(role, vc), of, timeout_s=timeout_s)

    def arguments(self, *words: str, role: str = "member", vc: str = VC) -> list[str]:
        """A command line of ``amalgam dataset``."""
        return [program("amalgam"), "dataset", *words, "--credentials", str(self.file(role, vc))]

    def run(self, *words: str, role: str = "member", vc: str = VC, check: bool = True) -> Done:
        """Run ``amalgam dataset``."""
        return run_local(self.arguments(*words, role=role, vc=vc), check=check, seconds=400)

    def run_with(self, file: Path, *words: str) -> Done:
        """Run it with another file of credentials; it may fail."""
        argv = [program("amalgam"), "dataset", *words, "--credentials", str(file)]
        return run_local(argv, check=False, seconds=400)

    def facts(self, *words: str, role: str = "member", vc: str = VC) -> Any:
        """Run it with ``--json``, and return what it says."""
        return json.loads(self.run(*words, "--json", role=role, vc=vc).stdout)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start it."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self.arguments(*words), **quiet)


def write_parts(file: Path, parts: int, seed: int = 1) -> None:
    """Write a file of so many full parts, no two of them alike and none compressible."""
    block = bytearray(Random(seed).randbytes(SMALLEST_PART))
    with file.open("wb") as stream:
        for index in range(parts):
            block[:8] = index.to_bytes(8)
            stream.write(block)


def stored_bytes(storage: Node, vc: str = VC) -> int:
    """What the store counts for a VC's bucket, unfinished uploads included (bytes)."""
    stats = json.loads(storage.run(f"radosgw-admin bucket stats --bucket {bucket_name(vc)}").stdout)
    return sum(kind["size"] for kind in stats["usage"].values())


def raw_objects(storage: Node, text: str) -> list[str]:
    """Names of the storage cluster's own objects that have ``text`` in them, in the gateway's pool of data."""
    listed = storage.run("rados --pool default.rgw.buckets.data ls").stdout.splitlines()
    return [name for name in listed if text in name]
