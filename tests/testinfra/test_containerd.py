"""The container runtime is the locked one, knows the site's registry alone, and leaves others' drop-ins alone."""

from __future__ import annotations

import json

from testinfra.host import Host

from amalgam.pins import load_lock
from tests.testinfra.site_facts import CA, SiteFacts


def test_the_programs_are_the_locked_versions(each_node: Host) -> None:
    versions = load_lock().versions()
    assert f"v{versions['containerd']}" in each_node.check_output("containerd --version").split()
    assert versions["runc"] in each_node.check_output("runc --version").split()


def test_the_runtime_runs_now_and_at_boot(each_node: Host) -> None:
    assert each_node.service("containerd").is_running
    assert each_node.service("containerd").is_enabled


def test_the_registry_is_trusted_by_the_sites_authority(each_node: Host, facts: SiteFacts) -> None:
    hosts = each_node.check_output(f"cat /etc/containerd/certs.d/{facts.registry}/hosts.toml")
    assert f'ca = "{CA}"' in hosts
    assert "skip_verify" not in hosts


def test_what_has_a_mirror_is_pulled_from_there_and_nothing_else_is_asked(each_node: Host, facts: SiteFacts) -> None:
    pause = load_lock().image("pause")
    mirrors = [name for name in each_node.check_output("ls /etc/containerd/certs.d").split() if name != facts.registry]
    assert mirrors == ["upstream.example.internal"]
    image = f"{mirrors[0]}/{pause.repository}:{pause.tag}"
    pull = "ctr --namespace mirror-test images pull --hosts-dir /etc/containerd/certs.d"
    assert each_node.run(f"{pull} {image}").rc == 0
    absent = each_node.run(f"{pull} {mirrors[0]}/kubernetes/absent:1")
    assert absent.rc != 0
    assert "not found" in absent.stderr
    each_node.check_output(f"ctr --namespace mirror-test images remove --sync {image}")


def test_our_settings_are_in_force(each_node: Host, facts: SiteFacts) -> None:
    pause = load_lock().image("pause")
    settings = each_node.check_output("containerd config dump")
    assert f"sandbox = '{facts.registry}/{pause.repository}:{pause.tag}'" in settings
    assert "config_path = '/etc/containerd/certs.d'" in settings


def test_a_drop_in_of_another_tool_is_read(each_node: Host) -> None:
    imports = each_node.check_output("cat /etc/containerd/config.toml")
    assert 'imports = ["/etc/containerd/conf.d/*.toml"]' in imports


def test_every_image_on_a_node_came_from_the_registry(each_node: Host, facts: SiteFacts) -> None:
    names = each_node.check_output("ctr --namespace k8s.io images list --quiet").splitlines()
    assert names
    assert [name for name in names if not name.startswith((f"{facts.registry}/", "sha256:"))] == []


def test_the_installed_files_are_recorded_with_their_checksums(each_node: Host) -> None:
    record = json.loads(each_node.check_output("cat /var/lib/amalgam/archives/containerd.json"))
    files = json.dumps(record)
    assert all(name in files for name in ("usr/local/bin/containerd", "usr/local/bin/runc", "opt/cni/bin/loopback"))
