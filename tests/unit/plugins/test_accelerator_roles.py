"""The roles of chips as far as they go without chips: their refusals in real plays, what they render, their filters."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, Played

SHA256 = hashlib.sha256(b"an installer").hexdigest()
GPU_HOST = "kernel 6.1.0-28-amd64\npci 0000:07:00.0 0x030200 0x10de 0x2330\nremark compiler\nremark headers\n"
HOSTVARS = {
    "gpu1": {"accelerator": "nvidia"},
    "gpu2": {"accelerator": "nvidia", "accelerator_software": "external"},
    "npu1": {"accelerator": "ascend", "accelerator_software": "managed"},
    "cpu1": {},
}


@pytest.fixture
def filters(plugin):
    return plugin("filter", "accelerators")


@pytest.fixture
def preflight(play: Callable[..., Played]) -> Callable[..., Played]:
    """Run a role's preflight on this machine."""

    def run(role: str, **variables: object) -> Played:
        folder = ROOT / "roles" / role
        given = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
        given |= yaml.safe_load((folder / "vars" / "main.yml").read_text())
        tasks = [{"ansible.builtin.import_tasks": str(folder / "tasks" / "preflight.yml")}]
        return play(tasks, vars=given | variables, gather_facts=False)

    return run


@pytest.mark.parametrize(("role", "chips"), [("nvidia", "no nvidia chip on PCI"), ("ascend", "no ascend chip on PCI")])
def test_a_machine_without_the_chips_is_refused_with_its_name_and_left_alone(
    preflight: Callable, role: str, chips: str
) -> None:
    files = {"path": "/not/there", "sha256": SHA256, "image": "plugin:1"}
    run = preflight(role, ascend_docker_runtime=files, ascend_device_plugin=files)

    assert (run.rc, run.changed) == (2, 0), run.output
    said = " ".join(run.output.split())
    assert chips in said
    assert "Nothing was changed by this role" in said
    assert "localhost: " in said


@pytest.mark.parametrize("content", [b"another file", None], ids=["altered", "missing"])
def test_an_installer_that_is_not_what_was_meant_is_refused(
    tmp_path: Path, preflight: Callable, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "driver.run").write_bytes(content)
    wanted = {"path": str(tmp_path / "driver.run"), "sha256": SHA256}
    fit = {"refusals": [], "lacking": ["driver"]}
    for role, names in (("nvidia", ("__nvidia_host", "nvidia_driver")), ("ascend", ("__ascend_host", "ascend_driver"))):
        others = {"ascend_docker_runtime": {}, "ascend_device_plugin": {}}
        run = preflight(role, **others, **dict(zip(names, (fit, wanted), strict=True)))
        assert (run.rc, run.changed) == (2, 0), run.output
        assert "Carry it over again, or mend the checksum" in " ".join(run.output.split())


@pytest.fixture
def installed(tmp_path: Path, play: Callable[..., Played]) -> Callable[..., Played]:
    """Install one file as Ascend's are; its installer is a script that says with what it was called."""

    def run(script: str) -> Played:
        (tmp_path / "driver.run").write_text(f"#!/bin/sh\necho $0 $@ >> {tmp_path}/told\n{script}\n")
        variables = {
            "item": "driver",
            "__ascend_files": {"driver": {"path": str(tmp_path / "driver.run"), "sha256": SHA256}},
            "__ascend_carried": str(tmp_path / "carried"),
            "__ascend_marks": str(tmp_path / "marks"),
            "__ascend_commands": {"driver": [str(tmp_path / "carried"), "--full"]},
        }
        tasks = [{"ansible.builtin.import_tasks": str(ROOT / "roles/ascend/tasks/file.yml")}]
        return play(tasks, vars=variables, gather_facts=False)

    return run


def test_a_file_is_installed_then_noted_and_what_was_carried_over_goes(tmp_path: Path, installed: Callable) -> None:
    assert installed("true").rc == 0
    assert (tmp_path / "told").read_text() == f"{tmp_path}/carried --full\n"
    assert (tmp_path / "marks" / "driver").read_text() == f"{SHA256}\n"
    assert not (tmp_path / "carried").exists()


def test_an_installer_that_fails_ends_the_role_and_is_not_noted(tmp_path: Path, installed: Callable) -> None:
    run = installed("exit 3")
    assert run.rc == 2
    assert not (tmp_path / "marks").exists()


def test_a_fit_host_is_told_to_install_what_it_lacks(filters) -> None:
    supplied = json.dumps({"driver": {"path": "/a", "sha256": SHA256, "version": "550"}})
    assert filters.accelerator_host(GPU_HOST, "nvidia", supplied) == {"refusals": [], "lacking": ["driver"]}
    assert filters.accelerator_host(GPU_HOST, "nvidia", json.dumps({"driver": {}}))["lacking"] == []


def test_chips_whose_software_is_somebody_elses_are_not_managed(filters) -> None:
    assert filters.managed_accelerators(HOSTVARS, list(HOSTVARS)) == {"nvidia": ["gpu1"], "ascend": ["npu1"]}


def test_a_node_without_chips_is_waited_for_when_it_is_ready(filters) -> None:
    offers = {"gpu1": {"nvidia.com/gpu": "8"}, "gpu2": {"nvidia.com/gpu": "0"}, "npu1": {"cpu": "4"}}
    items = [{"metadata": {"name": name}, "status": {"allocatable": offer}} for name, offer in offers.items()]
    answer = json.dumps({"items": items})
    nodes = {"nvidia": ["gpu1", "gpu2", "gpu3"], "ascend": ["npu1"]}
    assert filters.nodes_without_chips(answer, nodes, ["gpu1"]) == []
    assert filters.nodes_without_chips(answer, nodes, ["gpu1", "gpu2", "gpu3", "npu1"]) == ["gpu2", "gpu3", "npu1"]


def rendered(play: Callable[..., Played], folder: Path, template: Path, **variables: object) -> str:
    arguments = {"src": str(template), "dest": str(folder / "rendered")}
    given = {"ansible_managed": "Managed"} | variables
    run = play([{"ansible.builtin.template": arguments}], vars=given, gather_facts=False)
    assert run.rc == 0, run.output
    return (folder / "rendered").read_text()


@pytest.mark.parametrize(("driver", "systemd"), [("systemd", True), ("cgroupfs", False)])
@pytest.mark.parametrize("role", ["nvidia", "ascend"])
def test_a_drop_in_adds_its_runtime_and_touches_no_other(
    tmp_path: Path, play: Callable, role: str, driver: str, systemd: bool
) -> None:
    template = ROOT / "roles" / role / "templates/etc/containerd/conf.d" / f"50-{role}.toml.j2"
    drop_in = tomllib.loads(rendered(play, tmp_path, template, **{f"{role}_cgroup_driver": driver}))
    runtimes = drop_in["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]
    assert set(runtimes) == {role}
    assert runtimes[role]["options"]["SystemdCgroup"] is systemd


def manifest(play: Callable, folder: Path, nodes: dict[str, list[str]]) -> dict[tuple[str, str], dict]:
    template = ROOT / "roles/device_plugins/templates/etc/amalgam/manifests/device-plugins.yaml.j2"
    images = {"device_plugins_nvidia_image": "registry/a:1", "device_plugins_ascend_image": "b:2"}
    text = rendered(play, folder, template, device_plugins_nodes=nodes, **images)
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


def test_each_plugin_runs_on_the_nodes_of_its_chips(tmp_path: Path, play: Callable) -> None:
    objects = manifest(play, tmp_path, {"nvidia": ["gpu1", "gpu2"], "ascend": ["npu1"]})
    for kind, nodes in (("nvidia", ["gpu1", "gpu2"]), ("ascend", ["npu1"])):
        pod = objects["DaemonSet", kind]["spec"]["template"]["spec"]
        (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"][0]["values"] == nodes
        assert objects["RuntimeClass", kind]["handler"] == kind


def test_a_site_with_one_kind_of_chips_gets_nothing_for_the_other(tmp_path: Path, play: Callable) -> None:
    objects = manifest(play, tmp_path, {"nvidia": ["gpu1"]})
    assert set(objects) == {("Namespace", "device-plugins"), ("RuntimeClass", "nvidia"), ("DaemonSet", "nvidia")}
