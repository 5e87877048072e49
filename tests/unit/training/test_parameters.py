"""A job is refused before anything is rendered, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from amalgam.errors import AmalgamError
from amalgam.training.parameters import TrainingJob, read_job

_ASCEND = "huawei.com/Ascend910"


def _ascend(per_worker: int) -> dict[str, Any]:
    return {"kind": _ASCEND, "per_worker": per_worker}


@pytest.mark.parametrize(("workers", "per_worker"), [(1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (5, 8)])
def test_counts_that_fit_the_rings_of_a_node_are_taken(
    job: Callable[..., TrainingJob], workers: int, per_worker: int
) -> None:
    assert job(workers=workers, chips=_ascend(per_worker)).chips is not None


@pytest.mark.parametrize(
    ("workers", "per_worker", "reason"),
    [
        (1, 3, "a worker cannot have 3 huawei.com/Ascend910"),
        (1, 12, "a worker cannot have 12 huawei.com/Ascend910"),
        (1, 16, "multiple of 8 with 8 in each worker"),
        (3, 4, "3 workers of 4 huawei.com/Ascend910 are no whole hosts"),
        (2, 1, "2 workers of 1 huawei.com/Ascend910 are no whole hosts"),
    ],
)
def test_other_counts_are_refused_with_the_reason(
    job: Callable[..., TrainingJob], workers: int, per_worker: int, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        job(workers=workers, chips=_ascend(per_worker))


def test_any_count_of_gpus_is_taken(job: Callable[..., TrainingJob]) -> None:
    assert job(chips={"kind": "nvidia.com/gpu", "per_worker": 3}).chips is not None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"name": "Flowers"}, "'Flowers' is not 1 to 50"),
        ({"name": "1st"}, "beginning with a letter"),
        ({"name": "a" * 51}, "is not 1 to 50"),
        ({"name": "flowers\n"}, "is not 1 to 50"),
        ({"vc": "a/b"}, "'a/b' is not 1 to 63"),
        ({"framework": "torch"}, "is not one of: pytorch"),
        ({"framework": "../base"}, "is not one of: pytorch"),
        ({"image": "torch:1"}, "an image with its registry"),
        ({"image": "r/x y"}, "an image with its registry"),
        ({"memory": "4G"}, "an amount like"),
        ({"cpu": float("nan")}, "less than or equal"),
        ({"workers": "2"}, "valid integer"),
        ({"workers": 0}, "greater than or equal"),
        ({"retries": -1}, "greater than or equal"),
        ({"colour": "red"}, "Extra inputs"),
        ({"command": ["torchrun", "x"], "script": ["x"]}, "either script or command"),
        ({"script": None}, "either script or command"),
        ({"script": ["a\0b"]}, "an argument has no NUL"),
        ({"framework": "xgboost"}, "XGBoost trains on a single node: workers must be 1, not 2"),
        ({"framework": "tensorflow", "command": ["x"], "processes": 2}, "TensorFlow has no program that starts more"),
        ({"chips": {"kind": "amd.com/gpu", "per_worker": 1}}, "huawei.com/Ascend910"),
        (
            {"datasets": [{"name": "a", "claim": "b"}], "scratch": [{"name": "a", "size": "1Gi"}]},
            "two folders are named a",
        ),
    ],
)
def test_what_no_job_can_be_is_refused(job: Callable[..., TrainingJob], given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        job(**given)


_FILE = """\
name: flowers
framework: pytorch
image: registry.example:5000/vision/torch:1
workers: 2
script: [train.py, --epochs, "3"]
"""


def test_a_file_is_read_and_values_given_beside_it_win(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(_FILE)

    read = read_job(file, {"workers": 4}, default_vc="vision")

    assert (read.vc, read.workers, read.arguments) == ("vision", 4, ["python3", "train.py", "--epochs", "3"])


def test_every_mistake_of_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(_FILE.replace("workers: 2", "workers: two").replace('"3"', "3"))

    with pytest.raises(AmalgamError) as caught:
        read_job(file, {"memory": "lots"})

    said = caught.value.what.splitlines()
    assert [line.partition("):")[0] for line in said] == [
        "vc (is not there",
        "script[2] (line 5",
        "workers (line 4",
        "memory (--set",
    ]


@pytest.mark.parametrize("content", ["just text", "- a list", "name: [", "name: a\nname: b", ""])
def test_a_file_that_describes_no_job_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(content)
    with pytest.raises(AmalgamError) as caught:
        read_job(file, {})
    assert str(file) in caught.value.where
