"""A lab that is taken down leaves nothing on the machine, seen with other eyes than the lab's own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from amalgam.lab.leftovers import leftovers
from tests.e2e.support.checkout import program
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.own_lab import OwnLab, own_lab
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(420)

GROUPS = {
    "control_plane": {"node1": {"ansible_host": "10.88.0.11"}},
    "cpu_workers": {"node1": {}},
    "bundle_server": {"node1": {}},
}


@pytest.fixture
def tiny() -> Iterator[OwnLab]:
    """A lab of one bare node, not up yet."""
    with own_lab("down", GROUPS) as lab:
        yield lab


def _processes(mark: str) -> list[str]:
    """Processes with the mark in their command line, environment or mounts, so in whatever namespace they are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            texts = [_read(entry / name) for name in ("cmdline", "environ", "mountinfo", "cgroup")]
            if any(mark in text for text in texts):
                found.append(f"{entry.name}: {texts[0]}")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _named_after(lab: str) -> list[str]:
    """Files, cgroups and namespaces of the machine with the lab's name."""
    places = ["/run", "/tmp", "/var", "/etc", "/dev/shm", "/sys/fs/cgroup", "/sys/fs/bpf"]
    return run_local(["find", *places, "-xdev", "-name", f"*{lab}*"], check=False).stdout.split()


def _machine(lab: str) -> dict[str, set[str]]:
    """What of the machine's own network and mounts a lab might leave behind; other labs may come and go meanwhile."""
    everything = {
        "links": run_local(["ip", "-brief", "link"]).stdout.splitlines(),
        "addresses": run_local(["ip", "-brief", "address"]).stdout.splitlines(),
        "firewall": run_local(["nft", "list", "tables"]).stdout.splitlines(),
        "mounts": [line.split()[4] for line in _read(Path("/proc/self/mountinfo")).splitlines()],
        "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob("*/*") if path.is_dir()],
    }
    other = re.compile(rf"amalgam-(?!{lab.removeprefix('amalgam-')})[0-9a-f]{{6}}")
    return {what: {line for line in lines if not other.search(line)} for what, lines in everything.items()}


def test_a_lab_that_was_up_leaves_nothing(tiny: OwnLab, lab: Lab) -> None:
    name, root = tiny.names.lab, str(tiny.names.root)
    before = _machine(name)

    tiny.up()
    assert tiny.node("node1").run("systemctl is-system-running").stdout.strip() == "running"
    assert _processes(root)
    assert _named_after(name)
    forward = tiny.state.forwards[0]
    # Ansible's connections outlive the run that made them: they must not outlive the lab.
    ping = ["-i", str(tiny.inventory), "-m", "ansible.builtin.ping", "all"]
    run_local([program("ansible"), *ping], seconds=60)
    tiny.down()

    assert leftovers(tiny.names) == []
    wait_until("its processes end", lambda: _processes(f"{root}/.lab"), lambda seen: seen == [], seconds=20)
    assert _named_after(name) == []
    assert not tiny.names.folder.exists()
    assert _machine(name) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((forward.listen_address, forward.listen_port), timeout=5)
    assert lab.status()["state"] == "up", "the other lab of this machine was touched"


def test_taking_down_what_is_not_up_is_no_failure(tiny: OwnLab) -> None:
    tiny.down()
    tiny.down()

    assert leftovers(tiny.names) == []
