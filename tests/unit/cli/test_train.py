"""The commands ``amalgam train``, as far as they go without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from amalgam.cli import app
from amalgam.errors import AmalgamError
from amalgam.training.frameworks import FRAMEWORKS

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
