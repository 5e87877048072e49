"""A run on a site that is installed puts right what is amiss there, and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun

pytestmark = pytest.mark.timeout(600)


def test_a_stopped_service_and_a_configuration_never_applied_are_put_right(
    lab: Lab, playbook: Callable[..., PlaybookRun]
) -> None:
    # A run that is killed after it has written the configuration leaves the record of the one before.
    master, worker, storage = lab.node("master1"), lab.node("gpu1"), lab.node("stor1")
    applied = "/var/lib/amalgam/kubeadm/applied"
    wanted = master.run(f"cat {applied}").stdout
    before = master.run("pgrep -x kube-apiserver").stdout
    master.run(f"echo another >{applied}")
    worker.run("systemctl disable --now haproxy")
    storage.run("systemctl disable --now chrony")

    run = playbook()

    assert run.rc == 0, run.end
    # The balancer's task and its handler; the application alone on the other.
    wanted_changes = {"gpu1": 2, "master1": 1, "stor1": 1}
    assert run.counts("changed") == dict.fromkeys(run.recap, 0) | wanted_changes, run.end
    worker.run("systemctl is-active haproxy && systemctl is-enabled haproxy")
    storage.run("systemctl is-active chrony && systemctl is-enabled chrony")
    assert master.run("pgrep -x kube-apiserver").stdout != before
    assert master.run(f"cat {applied}").stdout == wanted
