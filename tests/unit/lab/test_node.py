from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import meminfo, node
from amalgam.lab.names import Names
from amalgam.lab.state import LabState


def _script(names: Names, state: LabState) -> str:
    return node.boot_script(names, state.nodes["gpu1"], [Path("/sys/fs/cgroup/cpu/x"), Path("/sys/fs/cgroup/pids/x")])


def test_the_boot_script_is_valid_shell(names: Names, state: LabState) -> None:
    subprocess.run(["sh", "-n"], input=_script(names, state), text=True, check=True)


def test_the_node_joins_its_cgroups_before_anything_is_mounted(names: Names, state: LabState) -> None:
    script = _script(names, state)
    assert script.index("cgroup.procs") < script.index("unshare --mount") < script.index("mount -t overlay")
    assert "for group in /sys/fs/cgroup/cpu/x /sys/fs/cgroup/pids/x;" in script


def test_every_boot_begins_without_the_cgroups_of_the_last(names: Names, state: LabState) -> None:
    _, loop, again = _script(names, state).partition("while\n")
    assert loop
    assert again.index("find /sys/fs/cgroup/cpu/x /sys/fs/cgroup/pids/x -mindepth 1") < again.index("systemd-nspawn")


def test_the_node_boots_in_its_own_network_with_plain_folders(names: Names, state: LabState) -> None:
    script = _script(names, state)
    assert f"--network-namespace-path=/run/netns/{names.node_network('gpu1')}" in script
    for path in ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd"):
        assert f":{path}" in script
    assert "lowerdir=/r,upperdir=upper" in script


def test_a_node_with_a_memory_limit_sees_it_from_its_first_moment_on(names: Names, state: LabState) -> None:
    assert "lxcfs" not in _script(names, state)
    state.nodes["gpu1"].memory_mib = 2048
    script = _script(names, state)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert script.index("lxcfs --foreground") < script.index("systemd-nspawn")
    assert "/lxcfs:/var/lib/lxcfs" in script


def test_what_lxcfs_says_is_put_in_place_before_anything_reads_it(tmp_path: Path) -> None:
    meminfo.install(tmp_path)
    link = tmp_path / "etc/systemd/system/sysinit.target.wants/lab-meminfo.service"
    unit = (tmp_path / str(link.readlink()).lstrip("/")).read_text()
    assert "Before=sysinit.target" in unit
    assert "/var/lib/lxcfs/proc/meminfo /proc/meminfo" in unit


def test_a_node_cannot_set_the_machines_clock(names: Names, state: LabState) -> None:
    assert "--drop-capability=CAP_SYS_TIME" in _script(names, state)


def test_a_node_whose_root_has_gone_from_the_cache_is_refused(names: Names, state: LabState) -> None:
    with pytest.raises(AmalgamError) as caught:
        node.start(names, state, state.nodes["gpu1"])
    assert "recreate gpu1" in caught.value.remedy


def test_a_node_without_a_process_is_stopped(state: LabState) -> None:
    assert node.system_state(state.nodes["gpu1"]) == "stopped"
    assert node.leader(state.nodes["gpu1"]) is None


def test_a_node_that_ends_while_booting_says_what_its_console_said(names: Names, state: LabState) -> None:
    log = node.console_log(names, "gpu1")
    log.parent.mkdir(parents=True)
    log.write_text("mount: no such file\n")
    with pytest.raises(AmalgamError, match=r"ended while booting.*no such file"):
        node.wait_running(names, state.nodes["gpu1"])


def test_a_unit_that_failed_once_has_until_its_next_turn(
    names: Names, state: LabState, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter(["starting", "degraded", "degraded", "running"])
    monkeypatch.setattr(node, "system_state", lambda _: next(seen))
    node.wait_running(names, state.nodes["gpu1"])


def test_a_unit_that_stays_failed_is_named(names: Names, state: LabState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "system_state", lambda _: "degraded")
    monkeypatch.setattr(node, "failed_units", lambda _: ["chrony.service"])
    monkeypatch.setattr(node, "_DEGRADED_SECONDS", 0.2)
    with pytest.raises(AmalgamError, match=r"units failed: chrony\.service"):
        node.wait_running(names, state.nodes["gpu1"])
