"""How a change of the configuration comes to a control plane that runs, with stand-ins for kubeadm and the kubelet."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from jinja2 import Environment

from tests.unit.plugins.conftest import ROOT

SCRIPT = ROOT / "roles/control_plane/templates/usr/local/libexec/amalgam/apply-cluster-configuration.j2"
DROP_IN = ROOT / "roles/kubernetes_node/templates/etc/kubernetes/kubelet.conf.d/50-amalgam.conf.j2"
PLACES = ("/etc/amalgam", "/etc/kubernetes", "/var/lib/amalgam")

# kubeadm writes etcd's manifest from its part of the configuration; the kubelet makes the pod anew half a second later.
STAND_INS = {
    "kubeadm": """
echo "kubeadm $*" >>log
case "$*" in *"phase etcd local"*)
  sed -n '/^etcd:/,/^apiServer:/p' {root}/etc/amalgam/kubeadm/cluster.yaml >new
  cmp -s new {root}/etc/kubernetes/manifests/etcd.yaml || (sleep 0.5; echo 2 >pid) &
  mv new {root}/etc/kubernetes/manifests/etcd.yaml
esac
""",
    "kubectl": 'echo "ready, etcd is process $(cat pid)" >>log',
    "pgrep": "cat pid",
    "pkill": 'echo "pkill $*" >>log',
}


@dataclass(frozen=True)
class Host:
    """A control-plane host whose cluster was made a while ago."""

    root: Path

    def configure(self, etcd: str, audit: str) -> None:
        """Write what the role writes."""
        text = f"kubernetesVersion: v1\netcd:\n  args: {etcd}\napiServer:\n  audit: {audit}\n"
        (self.root / "etc/amalgam/kubeadm/cluster.yaml").write_text(text)

    def apply(self) -> tuple[str, list[str]]:
        """What the script says, and what was done on the host."""
        log = self.root / "log"
        log.write_text("")
        done = subprocess.run(
            ["sh", str(self.root / "apply")],
            cwd=self.root,
            env={**os.environ, "PATH": f"{self.root}/bin:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout.strip(), [line.partition(" --config")[0] for line in log.read_text().splitlines()]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for folder in ("etc/amalgam/kubeadm", "etc/amalgam/kube-apiserver", "etc/kubernetes/manifests", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    text = SCRIPT.read_text()
    for place in PLACES:
        text = text.replace(place, f"{tmp_path}{place}")
    (tmp_path / "apply").write_text(Environment(autoescape=False).from_string(text).render(control_plane_port=6443))
    for name, body in STAND_INS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{body.replace('{root}', str(tmp_path))}\n")
        program.chmod(0o755)
    (tmp_path / "etc/amalgam/kube-apiserver/audit-policy.yaml").write_text("rules\n")
    (tmp_path / "etc/kubernetes/manifests/etcd.yaml").write_text("etcd:\n  args: one\napiServer:\n")
    (tmp_path / "pid").write_text("1\n")
    host = Host(tmp_path)
    host.configure("one", "30")
    (tmp_path / "var/lib/amalgam/kubeadm").mkdir(parents=True)
    (tmp_path / "var/lib/amalgam/kubeadm/done").touch()
    assert host.apply() == ("", ["ready, etcd is process 1"])
    return host


def test_what_is_applied_is_not_applied_again(host: Host) -> None:
    assert host.apply() == ("", ["ready, etcd is process 1"])


def test_a_change_of_the_api_server_leaves_etcd_alone(host: Host) -> None:
    host.configure("one", "60")
    said, done = host.apply()
    assert said == "applied"
    assert done == [
        "kubeadm init phase control-plane all",
        "kubeadm init phase upload-config all",
        "pkill -TERM -x kube-apiserver",
        "ready, etcd is process 1",
    ]


def test_a_change_of_etcd_is_applied_and_its_new_process_waited_for(host: Host) -> None:
    host.configure("two", "30")
    said, done = host.apply()
    assert said == "applied"
    assert done[:2] == ["kubeadm init phase etcd local", "ready, etcd is process 2"]
    assert "args: two" in (host.root / "etc/kubernetes/manifests/etcd.yaml").read_text()
    assert host.apply() == ("", ["ready, etcd is process 2"])


def test_a_run_that_was_cut_off_after_etcd_is_made_good_without_waiting_for_a_restart(host: Host) -> None:
    host.configure("two", "30")
    (host.root / "etc/kubernetes/manifests/etcd.yaml").write_text("etcd:\n  args: two\napiServer:\n")
    said, done = host.apply()
    assert (said, done[:2]) == ("applied", ["kubeadm init phase etcd local", "ready, etcd is process 1"])


def test_a_kubelet_gets_the_sites_configuration_over_what_kubeadm_wrote() -> None:
    environment = Environment(autoescape=False)
    environment.filters |= FilterModule().filters()
    written = environment.from_string(DROP_IN.read_text()).render(
        ansible_managed="managed", kubernetes_node_kubelet_configuration={"evictionHard": {"memory.available": "1Gi"}}
    )
    configuration = yaml.safe_load(written)
    assert configuration["kind"] == "KubeletConfiguration"
    assert configuration["tlsMinVersion"] == "VersionTLS12"
    assert configuration["evictionHard"] == {"memory.available": "1Gi"}
    unit = ROOT / "roles/kubernetes_node/templates/etc/systemd/system/kubelet.service.d/10-kubeadm.conf.j2"
    assert "--config-dir=/etc/kubernetes/kubelet.conf.d" in unit.read_text()
    # The kubelet passes over files with another ending.
    assert DROP_IN.name.endswith(".conf.j2")
