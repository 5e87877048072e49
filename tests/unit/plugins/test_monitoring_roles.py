"""What the roles prometheus and alertmanager render and refuse, in real plays, judged by the programs it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from amalgam.pki import make_authority
from tests.unit.alerting.programs import program, said
from tests.unit.plugins.conftest import ROOT, Certificates, Server

HOSTS = [{"name": "m1", "address": "10.20.0.11"}, {"name": "gpu1", "address": "10.20.0.21"}]
PROMETHEUS = {
    "prometheus_cluster": "lab",
    "prometheus_external_url": "https://monitoring.example.internal:8445/prometheus/",
    "prometheus_gateway_port": 9443,
    "prometheus_ca_path": "/etc/amalgam/pki/ca.crt",
    "prometheus_client_certificate": "CERTIFICATE\n",
    "prometheus_client_key": "KEY\n",
    "prometheus_kubernetes_servers": HOSTS[:1],
    "prometheus_kubernetes_nodes": ["m1", "gpu1"],
    "prometheus_kubernetes_ca_certificate": "CA\n",
    "prometheus_token": "TOKEN",
    "prometheus_runbooks_url": "https://monitoring.example.internal:8445/runbooks/RULE.md",
    "prometheus_targets": [
        {"job": "collectd", "path": "/collectd/metrics", "hosts": HOSTS},
        {"job": "kube-scheduler", "path": "/scheduler/metrics", "hosts": HOSTS[:1], "authorization": True},
        {"job": "dcgm", "path": "/dcgm/metrics", "hosts": HOSTS[1:]},
        {"job": "cluster-state", "path": "/cluster-state/metrics", "hosts": HOSTS[:1]},
    ],
    "prometheus_extra_scrape_configs": [{"job_name": "ups", "static_configs": [{"targets": ["10.20.0.5:9100"]}]}],
}
ALERTMANAGER = {
    "alertmanager_external_url": "https://monitoring.example.internal:8445/alertmanager/",
    "alertmanager_dashboards_url": "https://monitoring.example.internal:8445/",
    "alertmanager_smtp": {
        "smarthost": "mail.example.internal:587",
        "from": "a@example.internal",
        "username": "a",
        "ca_certificate": "PEM\n",
    },
    "alertmanager_smtp_password": "canary-password",
    "alertmanager_receivers": ["ops@example.internal"],
}


def _jobs(root: Path) -> dict[str, dict[str, Any]]:
    content = yaml.safe_load((root / "etc/prometheus/prometheus.yml").read_text())
    return {job["job_name"]: job for job in content["scrape_configs"]}


def test_prometheus_takes_all_that_is_written(rendered: Callable[..., Path]) -> None:
    authority = make_authority("lab").certificate
    root = rendered("prometheus", PROMETHEUS | {"prometheus_certificates": {"authority": authority}})
    promtool = program("promtool")
    code, output = said(promtool, "check", "config", "--syntax-only", root / "etc/prometheus/prometheus.yml")
    assert code == 0, output
    written = {file.name for file in (root / "etc/prometheus/rules").iterdir()}
    named = yaml.safe_load((root / "etc/prometheus/prometheus.yml").read_text())["rule_files"]
    assert {Path(name).name for name in named} == written
    assert "certificates.yml" in written


def test_the_token_is_shown_to_those_only_who_are_to_see_it_and_never_without_tls(
    rendered: Callable[..., Path],
) -> None:
    jobs = _jobs(rendered("prometheus", PROMETHEUS))
    shown = {name for name, job in jobs.items() if "authorization" in job}
    assert shown == {"kubelet", "cadvisor", "apiserver", "kube-scheduler"}
    for name in shown:
        assert jobs[name]["scheme"] == "https"
        assert jobs[name]["tls_config"]["ca_file"]
        assert "insecure_skip_verify" not in jobs[name]["tls_config"]


def test_every_job_of_ours_is_read_by_tls(rendered: Callable[..., Path]) -> None:
    jobs = _jobs(rendered("prometheus", PROMETHEUS))
    assert {name for name, job in jobs.items() if job.get("scheme") != "https"} == {"ups"}


def test_a_hosts_targets_are_a_file_that_prometheus_watches(rendered: Callable[..., Path]) -> None:
    root = rendered("prometheus", PROMETHEUS)
    targets = json.loads((root / "etc/prometheus/targets/dcgm.json").read_text())
    assert targets[0]["labels"] == {"node": "gpu1", "instance": "gpu1", "vendor": "nvidia"}
    assert _jobs(root)["dcgm"]["file_sd_configs"] == [{"files": ["/etc/prometheus/targets/dcgm.json"]}]


def test_every_job_that_has_hosts_and_every_node_is_expected(rendered: Callable[..., Path]) -> None:
    without = {"job": "npu-exporter", "path": "/npu/metrics", "hosts": []}
    root = rendered("prometheus", PROMETHEUS | {"prometheus_targets": [*PROMETHEUS["prometheus_targets"], without]})
    (group,) = yaml.safe_load((root / "etc/prometheus/rules/inventory.yml").read_text())["groups"]
    assert {rule["labels"]["job"] for rule in group["rules"] if "job" in rule["labels"]} == set(_jobs(root)) - {
        "ups",
        "npu-exporter",
    }
    assert [rule["labels"]["node"] for rule in group["rules"] if "node" in rule["labels"]] == ["gpu1", "m1"]
    assert {rule["expr"] for rule in group["rules"]} == {"vector(1)"}


def test_a_kube_state_metrics_of_the_site_is_read_by_the_api_server_and_nothing_is_told_twice(
    rendered: Callable[..., Path],
) -> None:
    service = {"namespace": "kube-state", "service": "kube-state-metrics", "port": 8080}
    jobs = _jobs(rendered("prometheus", PROMETHEUS | {"prometheus_kube_state_metrics": service}))
    job = jobs["kube-state-metrics"]
    assert job["metrics_path"] == "/api/v1/namespaces/kube-state/services/kube-state-metrics:8080/proxy/metrics"
    assert job["static_configs"] == [{"targets": ["10.20.0.11:6443"], "labels": {"instance": "kube-state-metrics"}}]
    assert job["tls_config"] == jobs["apiserver"]["tls_config"]
    assert job["authorization"] == jobs["apiserver"]["authorization"]
    theirs, ours = (re.compile(_kept(jobs[name])) for name in ("kube-state-metrics", "cluster-state"))
    told = {name for file in STATE.glob("resources/*.py") for name in re.findall(r'"(kube_\w+)"', file.read_text())}
    assert len(told) > 20
    assert {name for name in told if bool(theirs.fullmatch(name)) == bool(ours.fullmatch(name))} == set()
    assert {name for name in told if ours.fullmatch(name)} == {"kube_podgroup_status_scheduled"}


def test_cluster_state_tells_all_where_the_site_has_no_kube_state_metrics(rendered: Callable[..., Path]) -> None:
    jobs = _jobs(rendered("prometheus", PROMETHEUS))
    assert "kube-state-metrics" not in jobs
    assert _kept(jobs["cluster-state"]) == ".+"


STATE = ROOT / "roles/cluster_state/templates/usr/local/lib/amalgam/cluster_state"


def _kept(job: dict[str, Any]) -> str:
    (rule,) = (one for one in job["metric_relabel_configs"] if one.get("action") == "keep")
    return str(rule["regex"])


def test_a_sites_own_rules_are_checked_and_read(rendered: Callable[..., Path], tmp_path: Path) -> None:
    own = tmp_path / "ups.yml"
    own.write_text(
        "groups: [{name: ups, rules: [{alert: Ups, expr: 'up == 0', annotations: {summary: '{{ $value }}'}}]}]"
    )
    root = rendered("prometheus", PROMETHEUS | {"prometheus_extra_rule_files": [str(own)]})
    assert "{{ $value }}" in (root / "etc/prometheus/rules/site-ups.yml").read_text()


def test_a_rule_of_the_sites_own_that_prometheus_does_not_take_is_named_and_replaces_nothing(
    rendered: Callable[..., Path], tmp_path: Path
) -> None:
    own = tmp_path / "ups.yml"
    own.write_text("groups: [{name: ups, rules: [{alert: Ups, expr: up == 0}]}]")
    given = PROMETHEUS | {"prometheus_extra_rule_files": [str(own)]}
    root = rendered("prometheus", given)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    own.write_text("groups: [{name: ups, rules: [{alert: Ups, expr: up === 0}]}]")

    output = rendered("prometheus", given | {"prometheus_scrape_interval": "20s"}, rc=2)

    assert "etc/prometheus/rules/site-ups.yml" in output
    assert 'group "ups", rule 1, "Ups": could not parse expression: 1:6: parse error: unexpected "="' in output
    assert {file: file.read_bytes() for file in root.rglob("*") if file.is_file()} == before


def test_a_mistake_in_alerts_is_named_before_anything_is_written(refused: Callable[..., str]) -> None:
    output = refused(
        "prometheus", PROMETHEUS | {"prometheus_alerts": {"NodeMemroyHighUtilization": {"threshold": 0.8}}}
    )
    assert (
        "prometheus_alerts.NodeMemroyHighUtilization: no alert has this name; is NodeMemoryHighUtilization meant?"
        in output
    )


def test_a_mistake_in_the_retention_is_named(refused: Callable[..., str]) -> None:
    output = refused("prometheus", PROMETHEUS | {"prometheus_retention_size": "much"})
    assert "prometheus_retention_size: 'much' is no size" in output


def test_alertmanager_takes_all_that_is_written_and_the_password_is_in_its_file_alone(
    rendered: Callable[..., Path],
) -> None:
    root = rendered("alertmanager", ALERTMANAGER)
    assert said(program("amtool"), "check-config", root / "etc/prometheus/alertmanager.yml")[0] == 0
    holders = [file for file in root.rglob("*") if file.is_file() and "canary-password" in file.read_text()]
    assert [(file.name, oct(file.stat().st_mode & 0o777)) for file in holders] == [("password", "0o640")]
    mail = (root / "etc/prometheus/alertmanager_templates/amalgam.tmpl").read_text()
    assert "https://monitoring.example.internal:8445/" in mail
    assert "_URL" not in mail


def test_a_mistake_in_the_mail_is_named(refused: Callable[..., str]) -> None:
    output = refused("alertmanager", ALERTMANAGER | {"alertmanager_receivers": ["ops at example"]})
    assert "alertmanager_receivers.0: 'ops at example' is no address" in output
    assert "canary-password" not in output


COLUMNS = ["Name", "Status", "Roles", "Age", "Version", "Internal-IP", "External-IP"]
NODES = {
    "columnDefinitions": [{"name": name} for name in COLUMNS],
    "rows": [
        {"cells": ["w1", "Ready", "<none>", "2d", "v1", "10.20.0.22", "<none>"]},
        {"cells": ["m1", "NotReady", "control-plane", "2d", "v1", "10.20.0.11", "<none>"]},
        {"cells": ["new", "NotReady", "<none>", "1s", "v1", "<none>", "<none>"]},
    ],
}


@pytest.fixture
def nodes(server: Server, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the program that asks the API, against a simulated one."""
    (tmp_path / "token").write_text("TOKEN")

    def run(*urls: str, ca: Path = server.ca_path) -> tuple[int, str]:
        script = ROOT / "roles/prometheus/templates/usr/local/libexec/amalgam/prometheus-nodes"
        output = tmp_path / "nodes.json"
        code, _ = said("sh", script, tmp_path / "token", ca, output, "9443", *(urls or [server.url]))
        return code, output.read_text() if output.exists() else ""

    return run


ASKED = ("GET", "/api/v1/nodes?includeObject=None")


def test_the_nodes_that_the_api_knows_become_targets(server: Server, nodes: Callable[..., tuple[int, str]]) -> None:
    server.answers[ASKED] = (200, {}, json.dumps(NODES).encode())
    code, written = nodes("https://127.0.0.1:1", server.url)
    assert code == 0
    assert json.loads(written) == [
        {"targets": ["10.20.0.11:9443"], "labels": {"node": "m1", "instance": "m1"}},
        {"targets": ["10.20.0.22:9443"], "labels": {"node": "w1", "instance": "w1"}},
    ]


@pytest.mark.parametrize("status", [401, 500])
def test_what_was_known_stays_while_the_api_does_not_say(
    server: Server, nodes: Callable[..., tuple[int, str]], status: int
) -> None:
    server.answers[ASKED] = (200, {}, json.dumps(NODES).encode())
    _, known = nodes()
    server.answers[ASKED] = (status, {}, b"no")
    assert nodes() == (1, known)


def test_an_answer_that_is_no_table_changes_nothing(server: Server, nodes: Callable[..., tuple[int, str]]) -> None:
    server.answers[ASKED] = (200, {}, json.dumps(NODES).encode())
    _, known = nodes()
    server.answers[ASKED] = (200, {}, b"<html>")
    code, written = nodes()
    assert code != 0
    assert written == known


def test_the_token_is_shown_to_nobody_else(
    server: Server, nodes: Callable[..., tuple[int, str]], certificates: Certificates
) -> None:
    server.answers[ASKED] = (200, {}, json.dumps(NODES).encode())
    assert nodes(ca=certificates.other_ca) == (1, "")
    assert server.asked == []
