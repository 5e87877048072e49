"""A run on a site that is installed puts right what is amiss; where nothing is, it changes nothing and says so."""

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
    assert run.counts("changed") == dict.fromkeys(run.recap, 0) | wanted_changes, _blamed(run)
    worker.run("systemctl is-active haproxy && systemctl is-enabled haproxy")
    storage.run("systemctl is-active chrony && systemctl is-enabled chrony")
    assert master.run("pgrep -x kube-apiserver").stdout != before
    assert master.run(f"cat {applied}").stdout == wanted


@pytest.mark.parametrize("arguments", [(), ("--check", "--diff")], ids=["a real run", "check mode"])
def test_a_run_on_an_installed_site_changes_nothing(
    lab: Lab, playbook: Callable[..., PlaybookRun], arguments: tuple[str, ...]
) -> None:
    run = playbook(*arguments)

    assert run.rc == 0, run.end
    hosts = {host.name for host in lab.site.hosts}
    assert hosts <= set(run.recap), f"hosts are missing from the recap: {run.end}"
    for key in ("changed", "failed", "unreachable", "rescued", "ignored"):
        assert run.counts(key) == dict.fromkeys(run.recap, 0), f"{key}:\n{_blamed(run)}"


def _blamed(run: PlaybookRun) -> str:
    """The tasks that changed or failed, with what they said."""
    parts = run.output.split("\nTASK [")
    blamed = [part for part in parts if "\nchanged: " in part or "\nfatal: " in part or "\n...ignoring" in part]
    return "\n".join(f"TASK [{part[:1500]}" for part in blamed) or run.end
