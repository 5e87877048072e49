"""What the object store's gateway says of a bucket: RADOS Gateway answers HEAD with what lies there, and the quota.

Versions that are kept count, too. https://docs.ceph.com/en/pacific/radosgw/s3/bucketops/
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_HEADERS = {"x-rgw-bytes-used": "used", "x-rgw-quota-bucket-size": "quota"}


class GatewayError(Exception):
    """The gateway did not say it."""


class Gateway:
    """The gateway of this host, by what the role ``ceph_rgw`` writes into a folder."""

    def __init__(self, folder: Path, timeout: float) -> None:
        """Read the folder with each question: which buckets there are changes without this daemon's knowing."""
        self._folder = folder
        self._timeout = timeout

    def buckets(self) -> list[str]:
        """Names of the buckets that the site has; none where it has no datasets.

        Raises:
            OSError: the folder cannot be read.
        """
        file = self._folder / "buckets"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [line.split()[0] for line in lines if line.strip()]

    def measured(self, bucket: str) -> dict[str, int]:
        """``used`` (bytes), and ``quota`` (bytes) where there is one.

        Raises:
            GatewayError: it does not answer, or not so.
            OSError: the folder cannot be read.
        """
        settings = (self._folder / "gateway.env").read_text(encoding="utf-8").splitlines()
        url = next(line.partition("=")[2] for line in settings if line.startswith("GATEWAY="))
        command = ["curl", "--config", "owner.curl", "--max-time", f"{self._timeout:g}", "--head", f"{url}/{bucket}"]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise GatewayError(f"{bucket}: {done.stderr.strip() or f'curl ended with {done.returncode}'}")
        values = read(done.stdout)
        if "used" not in values:
            raise GatewayError(f"{bucket}: the gateway does not say what lies there")
        return values


def read(answer: str) -> dict[str, int]:
    """The values in the headers of an answer; one that is no number, or below 0 (no quota), is left out."""
    pairs = (line.partition(":")[::2] for line in answer.splitlines())
    known = ((_HEADERS.get(name.strip().lower()), value.strip()) for name, value in pairs)
    return {name: int(value) for name, value in known if name and value.isdigit()}
