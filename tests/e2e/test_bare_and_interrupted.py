"""Bare machines: check mode leaves them bare, and an install that is killed three times ends as one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from amalgam.lab.names import Names
from tests.e2e.support.canaries import Canary, canaries, cluster_canaries, leaks
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.command_lines import CommandLines
from tests.e2e.support.egress import attempts_to_leave
from tests.e2e.support.file_tree import difference, file_tree, running_units
from tests.e2e.support.machine import left_as_it_was
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.own_lab import FOLDER, OwnLab, own_lab
from tests.e2e.support.playbook import RunningPlaybook, start_site
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(2400)

TREE = ("/etc", "/usr/local", "/opt", "/root", "/srv", "/var/lib")
MANAGED = (
    "/etc/amalgam",
    "/etc/apt",
    "/etc/chrony",
    "/etc/containerd",
    "/etc/default",
    "/etc/haproxy",
    "/etc/hosts",
    "/etc/kubernetes/kubelet.conf.d",
    "/etc/kubernetes/manifests",
    "/etc/modules-load.d",
    "/etc/nftables",
    "/etc/nginx",
    "/etc/sysctl.d",
    "/etc/systemd/system",
    "/opt/cni",
    "/usr/local",
)

# What a running Debian writes there by itself.
OWN_ACCORD = ("/var/lib/systemd", "/var/lib/private", "/var/lib/dbus", "/etc/resolv.conf")

# Made from secrets or from the name of the host, so never the same on two sites.
BY_NATURE = (
    "/etc/amalgam/pki",
    "/etc/amalgam/kube-apiserver/encryption.yaml",
    "/etc/amalgam/registry.env",
    "/etc/amalgam/registry",
    "/etc/amalgam/ceph_rgw/accounts",
    "/etc/amalgam/ceph_rgw/owner.curl",
    "/etc/amalgam/ceph/mon.keyring",
    "/etc/amalgam/ceph/entities.keyring",
    "/etc/amalgam/ceph/subvolumes",
    "/etc/amalgam/cephfs/ceph.conf",
    "/etc/amalgam/cephfs/keyring",
    "/etc/amalgam/cluster_state/ca.crt",
    "/etc/amalgam/cluster_state/token",
    "/etc/amalgam/log_agent/password",
    "/etc/amalgam/manifests/pod-logs.yaml",
    "/etc/amalgam/metrics_gateway/server.pem",
    "/etc/amalgam/monitoring-web",
)

GROUPS = {
    "control_plane": {"master1": {"ansible_host": "10.88.0.11"}},
    "gpu_workers": {"gpu1": {"ansible_host": "10.88.0.21", "accelerator": "nvidia"}},
    "storage": {"stor1": {"ansible_host": "10.88.0.31"}},
    "bundle_server": {"stor1": {}},
    "management": {"stor1": {}},
}
# The checkout's lab has one, and the hosts of both are compared.
VARIABLES = {"lab": {"mail_host": "stor1"}}

_REACH_SECONDS = 900


@dataclass(frozen=True)
class Kill:
    """A point at which a run is killed."""

    when: str
    node: str
    reached: str
    """Shell command on the node that succeeds at that point."""
    too_late: str
    """Shell command that succeeds once the point has passed."""
    victims: str = ""
    """Names of the programs on the node that die with the run, as a pattern; none: they go on alone."""


KILLS = (
    Kill(
        when="while packages are installed",
        node="stor1",
        reached="pgrep -x dpkg --list-full | grep -q -e --unpack",
        too_late="test -e /etc/amalgam/registry.yml",
        victims="apt-get|dpkg",
    ),
    Kill(
        when="while kubeadm init runs",
        node="master1",
        reached="pgrep -x kubeadm && test -e /etc/kubernetes/manifests/etcd.yaml",
        too_late="test -e /var/lib/amalgam/kubeadm/done",
        victims="kubeadm",
    ),
    Kill(
        when="while the worker joins",
        node="gpu1",
        reached="pgrep -x kubeadm && test -e /var/lib/amalgam/kubeadm/started",
        too_late="test -e /var/lib/amalgam/kubeadm/done",
    ),
)


@dataclass
class Bare:
    """A lab of bare machines, every command line seen while playbooks ran on it, and all that these said."""

    lab: OwnLab
    command_lines: CommandLines = field(default_factory=CommandLines)
    outputs: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def bare() -> Iterator[Bare]:
    """Bare machines on which a site is installed; nothing of them is on this machine afterwards."""
    with left_as_it_was(Names(FOLDER / "bare")), own_lab("bare", GROUPS, VARIABLES) as lab:
        lab.up()
        yield Bare(lab)


def _snapshot(node: Node) -> tuple[dict[str, str], set[str]]:
    return file_tree(node, *TREE), running_units(node)


def test_check_mode_on_bare_machines_succeeds_and_changes_nothing_there(bare: Bare) -> None:
    before = {node.name: _snapshot(node) for node in bare.lab.nodes()}

    run = start_site(bare.lab.inventory, "--check", "--diff").wait()

    assert run.rc == 0, run.end
    assert set(run.counts("failed").values()) | set(run.counts("unreachable").values()) == {0}, run.end
    assert run.recap["gpu1"]["changed"] > 0, "nothing was predicted for a bare machine"
    for node in bare.lab.nodes():
        files, units = _snapshot(node)
        changed = difference(before[node.name][0], files, ignored=OWN_ACCORD)
        assert not changed, f"{node.name}: {changed}"
        assert units == before[node.name][1], f"{node.name}: {units ^ before[node.name][1]}"


def test_an_install_that_is_killed_three_times_and_started_again_ends_well(bare: Bare) -> None:
    for kill in KILLS:
        _kill(bare, kill, start_site(bare.lab.inventory, "-vvv"))

    last = start_site(bare.lab.inventory, "-vvv")
    bare.command_lines.watch(lambda seconds: last.running(wait_seconds=seconds))
    run = last.wait()
    bare.outputs.append(run.output)

    assert run.rc == 0, run.end
    Cluster(bare.lab).wait_healthy(seconds=120)
    again = start_site(bare.lab.inventory).wait()
    assert again.rc == 0, again.end
    assert again.counts("changed") == dict.fromkeys(again.recap, 0), again.end


def _kill(bare: Bare, kill: Kill, run: RunningPlaybook) -> None:
    """Kill a run at its point.

    Raises:
        AssertionError: the point was passed, or the run ended before it.
    """
    murder = f" && pkill -KILL -x '{kill.victims}'" if kill.victims else ""
    wait = f"until {kill.reached}; do if {kill.too_late}; then exit 9; fi; sleep 0.1; done"
    watch = bare.lab.node(kill.node).start(f"timeout {_REACH_SECONDS} sh -c '{wait}'{murder}")
    try:
        while watch.poll() is None:
            bare.command_lines.look()
            assert run.running(wait_seconds=0.02), f"the run ended before the point {kill.when}: {run.output()[-3000:]}"
        assert watch.returncode == 0, f"never seen {kill.when} ({watch.returncode}): {run.output()[-3000:]}"
        assert run.running(), f"the run ended before it was killed {kill.when}: {run.output()[-3000:]}"
    finally:
        run.kill()
        bare.outputs.append(run.output())
        watch.kill()
        watch.wait()


@pytest.mark.parametrize("name", ["master1", "gpu1", "stor1"])
def test_after_the_kills_a_host_has_the_same_files_as_one_of_an_undisturbed_install(
    bare: Bare, lab: Lab, name: str
) -> None:
    disturbed = file_tree(bare.lab.node(name), *MANAGED)
    undisturbed = file_tree(lab.node(name), *MANAGED)

    changed = difference(undisturbed, disturbed, ignored=BY_NATURE)

    assert not changed, changed


@pytest.mark.parametrize("name", ["master1", "gpu1", "stor1"])
def test_after_the_kills_a_host_has_the_same_packages_and_units_at_boot(bare: Bare, lab: Lab, name: str) -> None:
    shown = ("dpkg-query --show", "systemctl list-unit-files --state=enabled,masked --plain --no-legend --no-pager")
    for command in shown:
        disturbed, undisturbed = (one.node(name).run(command).stdout.splitlines() for one in (bare.lab, lab))
        assert len(undisturbed) > 5
        assert sorted(disturbed) == sorted(undisturbed)


def test_no_node_tried_to_reach_outside_while_the_site_was_installed(bare: Bare) -> None:
    assert attempts_to_leave(bare.lab) == []


def test_a_package_whose_unpacking_was_killed_is_installed_anew(bare: Bare) -> None:
    node, package = bare.lab.node("gpu1"), "libnfnetlink0"
    killed = f"/^Package: {package}$/,/^$/s/^Status: .*/Status: install reinstreq unpacked/"
    node.run(f"sed --in-place '{killed}' /var/lib/dpkg/status")
    assert "you should\n reinstall it" in node.run("dpkg --configure --pending", check=False).stderr

    run = start_site(bare.lab.inventory, "--tags", "hosts", "--limit", "gpu1").wait()

    assert run.rc == 0, run.end
    assert node.run(f"dpkg-query --show --showformat='${{db:Status-Status}}' {package}").stdout == "installed"


def test_no_node_is_left_with_half_installed_packages_or_failed_units(bare: Bare) -> None:
    for node in bare.lab.nodes():
        assert node.run("dpkg --audit").stdout == ""
        wait_until(
            f"no unit of {node.name} has failed",
            lambda node=node: node.run("systemctl list-units --state=failed --plain --no-legend --no-pager").stdout,
            lambda listed: listed == "",
            # Until the next turn of a timer whose unit has failed once.
            seconds=60,
        )


@pytest.fixture(scope="module")
def wanted(bare: Bare) -> list[Canary]:
    """Every secret of the site; it is installed."""
    made = cluster_canaries(Cluster(bare.lab))
    assert any("bootstrap-token" in canary.name for canary in made), "nobody has joined just now"
    return [*canaries(bare.lab.site.state_dir), *made]


def test_no_secret_was_an_argument_of_any_process_of_the_install(bare: Bare, wanted: list[Canary]) -> None:
    seen = b"\n".join(bare.command_lines.seen).replace(b"\0", b" ").decode(errors="replace")

    assert [word for word in ("kubeadm init", "kubeadm join", "dpkg") if word not in seen] == []
    assert leaks(seen, wanted) == []


def test_a_verbose_install_said_no_secret(bare: Bare, wanted: list[Canary]) -> None:
    said = "\n".join(bare.outputs)

    assert len(bare.outputs) == len(KILLS) + 1
    assert "Your Kubernetes control-plane has initialized successfully" in said, "the output of kubeadm was not shown"
    assert leaks(said, wanted) == []
