"""What of a lab is on the machine, seen with other eyes than the lab's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amalgam.lab.names import Names
from tests.e2e.support.nodes import run_local
from tests.e2e.support.waiting import wait_until


@contextmanager
def left_as_it_was(names: Names) -> Iterator[None]:
    """The machine is afterwards what it was before, but for what a killed run had left of the same lab.

    Raises:
        AssertionError: a process, a file, or something of network, mounts and cgroups has stayed or has gone.
    """
    own = (names.lab, str(names.root))
    before = {
        what: {line for line in lines if not any(mark in line for mark in own)}
        for what, lines in network_and_mounts(names).items()
    }
    home = set(Path.home().iterdir())
    yield
    wait_until("its processes end", lambda: processes(str(names.folder)), lambda seen: seen == [], seconds=20)
    assert named_after(names.lab) == []
    assert not names.folder.exists()
    assert network_and_mounts(names) == before
    assert set(Path.home().iterdir()) <= home


def processes(mark: str) -> list[str]:
    """Processes with the mark in their command line, environment or mounts, so in whatever namespace they are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            texts = [_read(entry / name) for name in ("cmdline", "environ", "mountinfo", "cgroup")]
            if any(mark in text for text in texts):
                found.append(f"{entry.name}: {texts[0]}")
    return found


def named_after(lab: str) -> list[str]:
    """Files, cgroups and namespaces of the machine with the lab's name."""
    places = ["/run", "/tmp", "/var", "/etc", "/dev/shm", "/sys/fs/cgroup", "/sys/fs/bpf"]
    return run_local(["find", *places, "-xdev", "-name", f"*{lab}*"], check=False).stdout.split()


def network_and_mounts(names: Names) -> dict[str, set[str]]:
    """What of the machine's own network and mounts a lab might leave behind; other labs may come and go meanwhile."""
    everything = {
        "links": run_local(["ip", "-brief", "link"]).stdout.splitlines(),
        "addresses": run_local(["ip", "-brief", "address"]).stdout.splitlines(),
        "firewall": run_local(["nft", "list", "tables"]).stdout.splitlines(),
        "mounts": [line.split()[4] for line in _read(Path("/proc/self/mountinfo")).splitlines()],
        "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob("*/*") if path.is_dir()],
    }
    other = re.compile(rf"amalgam-(?!{names.lab.removeprefix('amalgam-')})[0-9a-f]{{6}}")
    return {what: {line for line in lines if not other.search(line)} for what, lines in everything.items()}


def _read(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
