"""The commands ``amalgam train``, without a cluster or with a simulated one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from amalgam.cli import app
from amalgam.cli import train as command
from amalgam.errors import AmalgamError
from amalgam.training.frameworks import FRAMEWORKS
from amalgam.training.parameters import read_job
from amalgam.training.render import render
from amalgam.training.submit import submit
from tests.unit.training.simulated_cluster import SimulatedCluster

_FILE = "name: flowers\nframework: pytorch\nimage: registry.example/vision/torch:1\nscript: [train.py]\n"


def amalgam(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["train", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "job.yaml"
    path.write_text(_FILE)
    return str(path)


def test_the_manifest_is_printed_without_a_cluster(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    result = amalgam("submit", file, "--vc", "vision", "--manifest", "--set", "workers=2")
    objects = list(yaml.safe_load_all(result.output))
    assert [one["kind"] for one in objects] == ["Service", "Job", "PodGroup"]
    assert {one["metadata"]["namespace"] for one in objects} == {"vision"}
    assert objects[1]["spec"]["completions"] == 2


@pytest.mark.parametrize("change", ["workers", "script=["])
def test_a_change_that_cannot_be_read_is_refused(file: str, change: str) -> None:
    result = amalgam("submit", file, "--manifest", "--set", change)
    assert result.exit_code == 2
    assert "--set" in result.output


def test_a_bad_job_is_refused_before_the_manifest(file: str) -> None:
    result = amalgam("submit", file, "--vc", "vision", "--manifest", "--set", "workers=none")
    assert isinstance(result.exception, AmalgamError)
    assert "workers (--set)" in result.exception.what


def test_without_a_kubeconfig_the_remedy_is_told(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", "/nowhere")
    result = amalgam("submit", file, "--vc", "vision", "--dry-run")
    assert isinstance(result.exception, AmalgamError)
    assert "KUBECONFIG" in result.exception.remedy


def test_a_legacy_framework_is_said_to_be_one(file: str) -> None:
    result = amalgam("submit", file, "--vc", "vision", "--manifest", "--set", "framework=mxnet")
    assert "MXNet is legacy" in result.stderr


def test_every_framework_is_listed_with_what_it_sets() -> None:
    rows = {row["framework"]: row for row in json.loads(amalgam("templates", "--json").output)}
    assert set(rows) == set(FRAMEWORKS)
    assert {name for name, row in rows.items() if row["legacy"]} == {"mxnet", "caffe", "cntk"}
    assert "TF_CONFIG" in rows["tensorflow"]["sets"]
    assert "TF_CONFIG" in amalgam("templates").output


@pytest.fixture
def cluster(file: str, monkeypatch: pytest.MonkeyPatch) -> SimulatedCluster:
    """With a gang of two workers that has nodes, the second of which was started again."""
    made = SimulatedCluster()
    given = {"vc": "vision", "workers": 2, "chips": {"kind": "nvidia.com/gpu", "per_worker": 8}}
    job = read_job(Path(file), given, default_vc="")
    submit(made, job, render(job))
    scheduled = {"type": "PodGroupInitiallyScheduled", "status": "True"}
    made.objects["PodGroup", "flowers"]["status"] = {"conditions": [scheduled]}
    made.objects["Job", "flowers"]["status"] = {"active": 2, "ready": 1}
    for index, container in enumerate(({}, {"restartCount": 3, "lastState": {"terminated": {"exitCode": 137}}})):
        labels = {"batch.kubernetes.io/job-name": "flowers", "batch.kubernetes.io/job-completion-index": str(index)}
        made.add(
            "Pod",
            f"flowers-{index}-aaaaa",
            metadata={"labels": labels, "creationTimestamp": "2026-11-23T12:00:00Z"},
            spec={"nodeName": f"gpu{index + 1}"},
            status={"phase": "Running", "containerStatuses": [container]},
        )
    monkeypatch.setattr(command, "Cluster", lambda: made)
    return made


def _rows(output: str) -> list[list[str]]:
    """The cells of a table."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if line.startswith("│")]


def test_people_see_the_jobs_as_a_table(cluster: SimulatedCluster) -> None:
    created = "2026-11-23T12:00:00Z"
    row = ["flowers", "pytorch", "starting", "1/2", "16 nvidia.com/gpu", created]
    assert _rows(amalgam("list").output) == [[*row, ""]]
    unscheduled = {"type": "PodGroupInitiallyScheduled", "status": "False", "message": "no room"}
    cluster.objects["PodGroup", "flowers"]["status"] = {"conditions": [unscheduled]}
    row[2] = "waiting"
    assert _rows(amalgam("list").output) == [[*row, "no room"]]


def test_people_see_a_jobs_workers_as_a_table(cluster: SimulatedCluster) -> None:
    involved = {"kind": "Pod", "name": "flowers-1-aaaaa"}
    stamp = {"creationTimestamp": "2026-11-23T12:01:00Z"}
    cluster.happened = [
        {"type": "Warning", "reason": "BackOff", "message": "later", "involvedObject": involved, "metadata": stamp}
    ]
    output = amalgam("describe", "flowers").output
    assert output.splitlines()[:2] == [
        "vision/flowers: pytorch, starting",
        "workers 1/2, chips 16 nvidia.com/gpu, created 2026-11-23T12:00:00Z",
    ]
    assert _rows(output) == [
        ["0", "flowers-0-aaaaa", "gpu1", "Running", "0", ""],
        ["1", "flowers-1-aaaaa", "gpu2", "Running", "3", "137"],
    ]
    assert output.splitlines()[-1] == "Pod flowers-1-aaaaa: BackOff: later"
