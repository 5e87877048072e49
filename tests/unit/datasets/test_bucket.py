"""A program that speaks with the store leaves nothing on the machine, even where it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, signal
from amalgam.datasets.bucket import Bucket
from amalgam.datasets.credentials import Credentials
bucket = Bucket(Credentials(
    endpoint="https://objects.invalid", vc="vision", role="reader", access_key="a", secret_key="s", ca_certificate="ca"
))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_program_leaves_no_file(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
