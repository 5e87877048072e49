"""A lab that is taken down leaves nothing on the machine, seen with other eyes than the lab's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from amalgam.lab.leftovers import leftovers
from tests.e2e.support.checkout import program
from tests.e2e.support.machine import left_as_it_was, named_after, processes
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


def test_a_lab_that_was_up_leaves_nothing(tiny: OwnLab, lab: Lab) -> None:
    with left_as_it_was(tiny.names):
        tiny.up()
        assert tiny.node("node1").run("systemctl is-system-running").stdout.strip() == "running"
        assert processes(str(tiny.names.root))
        assert named_after(tiny.names.lab)
        forward = tiny.state.forwards[0]
        # Ansible's connections outlive the run that made them: they must not outlive the lab.
        ping = ["-i", str(tiny.inventory), "-m", "ansible.builtin.ping", "all"]
        run_local([program("ansible"), *ping], seconds=60)
        tiny.down()

    assert leftovers(tiny.names) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((forward.listen_address, forward.listen_port), timeout=5)
    # A unit of it that failed once has until its next turn.
    wait_until(
        "the other lab of this machine is up", lambda: lab.status()["state"], lambda state: state == "up", seconds=60
    )


def test_taking_down_what_is_not_up_is_no_failure(tiny: OwnLab) -> None:
    tiny.down()
    tiny.down()

    assert leftovers(tiny.names) == []
