"""Objects as the API lists them become the series of kube-state-metrics, letter by letter."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from cluster_state.api import Page
from cluster_state.cache import Cache
from cluster_state.events import PATH
from cluster_state.families import label_name, label_samples, line
from cluster_state.quantities import number
from cluster_state.resources import RESOURCES

from tests.unit.cluster_state.conftest import ROOT, recorded

_QUOTA = 'kube_resourcequota{namespace="vision",resourcequota="vision",'
_CLAIM = '{namespace="vision",persistentvolumeclaim="data"'
_MODE = 'volumemode="Filesystem"'


def _kind(path: str) -> str:
    return path.rpartition("/")[2]


def _text(kind: str, items: list[dict[str, Any]] | None = None) -> list[str]:
    cache = Cache(next(resource for resource in RESOURCES if _kind(resource.path) == kind))
    cache.replace([Page(recorded(kind) if items is None else items, "1")])
    assert cache.misread == 0
    return [one for one in "".join(cache.text()).splitlines() if not one.startswith("#")]


@pytest.mark.parametrize(
    ("kind", "series"),
    [
        ("nodes", 'kube_node_status_condition{node="gpu1",condition="Ready",status="true"} 1'),
        ("nodes", 'kube_node_status_condition{node="gpu1",condition="Ready",status="unknown"} 0'),
        ("nodes", 'kube_node_status_capacity{node="gpu1",resource="nvidia_com_gpu",unit="integer"} 8'),
        ("nodes", 'kube_node_status_allocatable{node="gpu1",resource="cpu",unit="core"} 7.9'),
        ("nodes", 'kube_node_status_capacity{node="gpu1",resource="ephemeral_storage",unit="byte"} 107374182400'),
        ("nodes", 'kube_node_spec_unschedulable{node="gpu1"} 0'),
        ("nodes", 'kube_node_labels{node="gpu1",label_accelerator="nvidia",label_kubernetes_io_hostname="gpu1"} 1'),
        ("resourcequotas", _QUOTA + 'resource="requests.nvidia.com/gpu",type="hard"} 4'),
        ("resourcequotas", _QUOTA + 'resource="requests.cpu",type="used"} 0.5'),
        ("resourcequotas", _QUOTA + 'resource="requests.memory",type="hard"} 21474836480'),
        ("jobs", 'kube_job_info{namespace="vision",job_name="train"} 1'),
        ("jobs", 'kube_job_status_active{namespace="vision",job_name="train"} 2'),
        ("jobs", 'kube_job_status_succeeded{namespace="vision",job_name="train"} 0'),
        ("jobs", 'kube_job_status_failed{namespace="vision",job_name="train"} 2'),
        ("daemonsets", 'kube_daemonset_status_desired_number_scheduled{namespace="kube-system",daemonset="ds"} 1'),
        ("daemonsets", 'kube_daemonset_status_number_ready{namespace="kube-system",daemonset="ds"} 0'),
        ("podgroups", 'kube_podgroup_status_scheduled{namespace="vision",podgroup="train"} 0'),
        ("persistentvolumeclaims", f'kube_persistentvolumeclaim_info{_CLAIM},storageclass="shared",{_MODE}}} 1'),
        ("persistentvolumeclaims", f"kube_persistentvolumeclaim_resource_requests_storage_bytes{_CLAIM}}} 5368709120"),
    ],
)
def test_a_recorded_object_is_told_as_kube_state_metrics_tells_it(kind: str, series: str) -> None:
    assert series in _text(kind)


def test_a_pod_is_told_with_its_node_its_owner_and_its_job_alone_of_its_labels() -> None:
    told = _text("pods")
    pod = next(one for one in recorded("pods") if one["metadata"]["namespace"] == "vision")["metadata"]
    identity = f'namespace="vision",pod="{pod["name"]}",uid="{pod["uid"]}"'
    owner = 'created_by_kind="Job",created_by_name="train",host_network="false"'
    assert f'kube_pod_info{{{identity},node="gpu1",{owner}}} 1' in told
    job = 'label_batch_kubernetes_io_job_name="train",label_training_job="train"'
    assert f"kube_pod_labels{{{identity},{job}}} 1" in told
    asked = 'container="main",node="gpu1"'
    assert f'kube_pod_container_resource_requests{{{identity},{asked},resource="cpu",unit="core"}} 0.25' in told
    assert (
        f'kube_pod_container_resource_requests{{{identity},{asked},resource="nvidia_com_gpu",unit="integer"}} 1' in told
    )
    assert not [one for one in told if one.startswith("kube_pod_labels") and 'namespace="kube-system"' in one]


def test_a_pod_has_one_phase_and_a_restart_is_counted() -> None:
    told = [one for one in _text("pods") if 'namespace="kube-system"' in one]
    phases = [one for one in told if one.startswith("kube_pod_status_phase")]
    assert len(phases) == 5
    assert [re.search('phase="(.*?)"', one)[1] for one in phases if one.endswith(" 1")] == ["Running"]
    assert [one for one in told if one.startswith("kube_pod_container_status_restarts_total") and one.endswith(" 3")]


@pytest.mark.parametrize(("status", "value"), [("True", 1), ("False", 0), (None, 0)])
def test_a_pod_is_ready_by_its_condition(status: str | None, value: int) -> None:
    pod = recorded("pods")[0]
    pod["status"]["conditions"] = [{"type": "Ready", "status": status}] if status else []
    (told,) = [one for one in _text("pods", [pod]) if one.startswith("kube_pod_status_ready")]
    assert told.endswith(f'condition="true"}} {value}')


def test_a_namespace_is_told_with_all_its_labels_in_snake_case() -> None:
    told = next(one for one in _text("namespaces") if 'namespace="vision"' in one)
    assert told.startswith("kube_namespace_labels{")
    assert 'label_amalgam_internal_vc="vision"' in told
    assert 'label_odd_camel_case="x"' in told


@pytest.mark.parametrize(("status", "value"), [("True", 1), ("False", 0)])
def test_a_gang_counts_as_scheduled_by_its_condition(status: str, value: int) -> None:
    group = recorded("podgroups")[0]
    group["status"] = {"conditions": [{"type": "PodGroupInitiallyScheduled", "status": status}]}
    assert _text("podgroups", [group]) == [
        f'kube_podgroup_status_scheduled{{namespace="vision",podgroup="train"}} {value}'
    ]


def test_a_job_that_failed_for_a_known_reason_says_so() -> None:
    job = recorded("jobs")[0]
    job["status"] = {"failed": 3, "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
    failed = [one for one in _text("jobs", [job]) if one.startswith("kube_job_status_failed")]
    assert [(re.search('reason="(.*?)"', one)[1], one[-1]) for one in failed] == [
        ("BackoffLimitExceeded", "0"),
        ("DeadlineExceeded", "1"),
        ("Evicted", "0"),
    ]


@pytest.mark.parametrize("kind", [_kind(resource.path) for resource in RESOURCES])
def test_an_object_that_was_made_just_now_has_no_status_and_is_understood(kind: str) -> None:
    items = [item | {"status": {}} for item in recorded(kind)]
    _text(kind, items)
    for item in items:
        del item["status"]
    _text(kind, items)


def test_an_object_that_is_not_what_it_should_be_is_left_out_and_counted(capsys: pytest.CaptureFixture) -> None:
    quota, odd = recorded("resourcequotas")[0], recorded("resourcequotas")[0]
    odd["metadata"] |= {"name": "odd", "uid": "2"}
    odd["status"]["hard"]["pods"] = "many"
    cache = Cache(next(one for one in RESOURCES if _kind(one.path) == "resourcequotas"))
    cache.replace([Page([odd, quota], "1")])
    assert cache.misread == 1
    assert 'resourcequota="vision"' in "".join(cache.text())
    assert 'resourcequota="odd"' not in "".join(cache.text())
    assert "'many' is no quantity" in capsys.readouterr().err


def test_the_value_of_a_label_is_escaped() -> None:
    assert line("x", {"a": 'C:\\ "quoted"\nnext', "none": ""}, 1) == 'x{a="C:\\\\ \\"quoted\\"\\nnext"} 1\n'
    assert line("x", {}, 0.25) == "x 0.25\n"
    assert line("x", {}, 9007199254740993) == "x 9007199254740993\n"


def test_names_of_labels_that_become_the_same_are_told_once() -> None:
    assert label_name("app.kubernetes.io/partOf") == "label_app_kubernetes_io_part_of"
    assert list(label_samples({"a.b": "2", "a-b": "1"})) == [({"label_a_b": "1"}, 1)]


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("0", 0),
        ("8", 8),
        ("7900m", 7.9),
        ("100n", 1e-7),
        ("1k", 1000),
        ("1.5Gi", 1610612736),
        ("12E", 12e18),
        ("12e3", 12000),
        ("2Ei", 2 * 2**60),
        ("-1", -1),
    ],
)
def test_a_quantity_is_read(quantity: str, amount: float) -> None:
    assert number(quantity) == amount


@pytest.mark.parametrize("quantity", ["", "many", "1Kib", "0x10"])
def test_what_is_no_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        number(quantity)


def test_what_is_watched_is_what_the_service_account_may_read() -> None:
    """A right that is missing would be seen on the lab; one too many nowhere."""
    manifest = ROOT / "roles/kubernetes_monitoring/templates/etc/amalgam/manifests/monitoring.yaml.j2"
    documents = yaml.safe_load_all(manifest.read_text().replace("{{ ansible_managed }}", ""))
    rules = next(one for one in documents if one["kind"] == "ClusterRole")["rules"]
    readable = {
        (group, kind)
        for rule in rules
        if "watch" in rule["verbs"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
    }
    watched = {(_group(path), _kind(path)) for path in (*(resource.path for resource in RESOURCES), PATH)}
    assert readable == watched


def _group(path: str) -> str:
    return path.split("/")[2] if path.startswith("/apis/") else ""
