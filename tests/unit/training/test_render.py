"""What a job is rendered to, for every framework, whatever users write."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.training.frameworks import FRAMEWORKS
from amalgam.training.parameters import TrainingJob
from amalgam.training.render import literal, render, to_yaml, variables_of
from amalgam.training.schema import Object, check

from .conftest import BASE

HOSTILE = [
    "",
    " ",
    "a: b",
    "- a",
    "'",
    '"',
    "\\",
    "{{ job }}",
    "{% raw %}",
    "{# #}",
    "$(RANK)",
    "$$(RANK)",
    "$HOME",
    "`id`",
    "; rm -rf /",
    "a\nb",
    "a\r\n---\nkind: Pod",
    "...",
    "#",
    "!!python/object:os.system",
    "&a *a",
    "\t",
    "yes",
    "0x10",
    "1e3",
    "null",
    "\x7f\x85\u2028\ufeff",
    "\U0001f600 ж 漢",
    "%YAML 1.1",
]


def _of(objects: tuple[Object, ...], kind: str) -> Object:
    return next(one for one in objects if one["kind"] == kind)


def _as_the_kubelet_reads(text: str) -> str:
    """``$$`` is ``$``, and ``$(NAME)`` would be filled in: k8s.io/kubernetes/third_party/forked/golang/expansion."""
    assert "$(" not in text.replace("$$", "")
    return text.replace("$$", "$")


def _variables(objects: tuple[Object, ...]) -> dict[str, str]:
    container = _of(objects, "Job")["spec"]["template"]["spec"]["containers"][0]
    return {one["name"]: one.get("value", "") for one in container["env"]}


def test_there_is_a_template_for_every_framework_and_none_beside() -> None:
    files = (project_root() / "templates/training").iterdir()
    assert {file.name.removesuffix(".yaml.j2") for file in files} - {"base"} == set(FRAMEWORKS)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_gives_an_indexed_job_a_service_and_a_gang(
    job: Callable[..., TrainingJob], framework: str
) -> None:
    workers = 3 if FRAMEWORKS[framework].multi_node else 1

    objects = render(job(framework=framework, workers=workers)).objects

    described, group = _of(objects, "Job")["spec"], _of(objects, "PodGroup")
    assert (described["completionMode"], described["completions"], described["parallelism"]) == (
        "Indexed",
        workers,
        workers,
    )
    assert group["apiVersion"] == "scheduling.k8s.io/v1beta1"
    assert group["spec"]["schedulingPolicy"] == {"gang": {"minCount": workers}}
    pod = described["template"]["spec"]
    assert pod["schedulingGroup"] == {"podGroupName": group["metadata"]["name"]}
    service = _of(objects, "Service")
    assert service["spec"]["clusterIP"] == "None"
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"].items() <= described["template"]["metadata"]["labels"].items()
    assert {one["metadata"]["namespace"] for one in objects} == {"vision"}
    assert objects[-1] is group


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_pod_is_within_the_restricted_pod_security_level(job: Callable[..., TrainingJob], framework: str) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    objects = render(job(framework=framework, workers=2 if FRAMEWORKS[framework].multi_node else 1)).objects
    pod = _of(objects, "Job")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {
        "persistentVolumeClaim",
        "emptyDir",
        "secret",
    }
    for container in pod["containers"]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert pod["automountServiceAccountToken"] is False
    assert pod["imagePullSecrets"] == [{"name": "registry"}]


@pytest.mark.parametrize("framework", ["pytorch", "mpi", "keras"])
def test_what_users_write_reaches_the_program_as_it_was_written(
    job: Callable[..., TrainingJob], framework: str
) -> None:
    objects = render(job(framework=framework, script=["train.py", *HOSTILE])).objects
    container = _of(objects, "Job")["spec"]["template"]["spec"]["containers"][0]
    assert [_as_the_kubelet_reads(word) for word in container["args"]] == ["python3", "train.py", *HOSTILE]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=1, max_size=4))
@settings(max_examples=60)
def test_no_words_change_anything_else(words: list[str]) -> None:
    plain = render(TrainingJob.model_validate({**BASE, "command": ["plain"]})).objects

    objects = render(TrainingJob.model_validate({**BASE, "command": words})).objects

    expected = copy.deepcopy(plain)
    _of(expected, "Job")["spec"]["template"]["spec"]["containers"][0]["args"] = [literal(word) for word in words]
    assert objects == expected


@pytest.mark.parametrize("image", ["r/'", 'r/"', "r/{{x}}", "r/x#y", "r/x:{a}", "r/&x", "r/$(HOME)"])
def test_an_image_is_one_word_of_yaml(job: Callable[..., TrainingJob], image: str) -> None:
    pod = _of(render(job(image=image)).objects, "Job")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == image


@pytest.mark.parametrize("value", [*HOSTILE, True, 3, ["a", "- b"], {"k: v": "{"}])
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    assert yaml.safe_load(f"key: {to_yaml(value)}\n") == {"key": value}


def test_pytorch_finds_its_first_worker(job: Callable[..., TrainingJob]) -> None:
    found = _variables(render(job(workers=2, processes=4)).objects)
    assert found["MASTER_ADDR"] == found["PET_MASTER_ADDR"] == "flowers-0.flowers"
    assert (found["WORLD_SIZE"], found["LOCAL_WORLD_SIZE"]) == ("8", "4")
    assert (found["PET_NNODES"], found["PET_NPROC_PER_NODE"]) == ("2", "4")


def test_a_command_is_counted_once_and_told_how_many_processes_to_start(job: Callable[..., TrainingJob]) -> None:
    found = _variables(render(job(command=["torchrun", "train.py"], workers=2, processes=4)).objects)
    assert (found["WORLD_SIZE"], found["LOCAL_WORLD_SIZE"], found["PET_NPROC_PER_NODE"]) == ("2", "1", "4")


def test_tensorflow_knows_every_process_by_name_and_port(job: Callable[..., TrainingJob]) -> None:
    found = _variables(render(job(framework="tensorflow", workers=2, processes=2)).objects)
    assert json.loads(found["TF_WORKERS"]) == [
        f"flowers-{worker}.flowers:{port}" for worker in (0, 1) for port in (29500, 29501)
    ]


def test_tensorflow_on_ascend_counts_chips(job: Callable[..., TrainingJob]) -> None:
    chips = {"kind": "huawei.com/Ascend910", "per_worker": 8}
    assert _variables(render(job(framework="tensorflow", chips=chips)).objects)["CM_WORKER_SIZE"] == "16"


def test_mpi_has_keys_of_its_own_each_time(job: Callable[..., TrainingJob]) -> None:
    first, second = (_of(render(job(framework="mpi")).objects, "Secret")["stringData"] for _ in range(2))
    assert first["user_key"] != second["user_key"]
    assert first["known_hosts"].startswith("[*.flowers]:2222 ssh-ed25519 ")


def test_one_worker_of_mpi_needs_no_keys(job: Callable[..., TrainingJob]) -> None:
    assert "Secret" not in {one["kind"] for one in render(job(framework="caffe", workers=1)).objects}


def test_chips_are_asked_for_and_their_taint_tolerated(job: Callable[..., TrainingJob]) -> None:
    pod = _of(render(job(chips={"kind": "nvidia.com/gpu", "per_worker": 4})).objects, "Job")["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_folders_are_mounted_by_name(job: Callable[..., TrainingJob]) -> None:
    datasets = [{"name": "photos", "claim": "photos-2"}, {"name": "notes", "claim": "notes", "writable": True}]
    scratch = [{"name": "tmp", "size": "5Gi", "storage_class": "vision"}]

    objects = render(job(datasets=datasets, scratch=scratch)).objects

    pod = _of(objects, "Job")["spec"]["template"]["spec"]
    claims = {one["name"]: one.get("persistentVolumeClaim", {}).get("claimName") for one in pod["volumes"]}
    mounts = {
        one["mountPath"]: (claims[one["name"]], one.get("readOnly", False))
        for one in pod["containers"][0]["volumeMounts"]
    }
    assert mounts["/training"] == ("training", False)
    assert mounts["/data/photos"] == ("photos-2", True)
    assert mounts["/data/notes"] == ("notes", False)
    assert mounts["/data/tmp"] == ("flowers-tmp", False)
    claim = _of(objects, "PersistentVolumeClaim")
    assert claim["metadata"]["name"] == "flowers-tmp"
    assert claim["spec"]["storageClassName"] == "vision"
    assert claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}


def test_priority_and_time_limit_are_left_out_unless_asked_for(job: Callable[..., TrainingJob]) -> None:
    plain, asked = render(job()).objects, render(job(priority="training-high", time_limit_minutes=90)).objects
    assert "priorityClassName" not in json.dumps(plain)
    assert "activeDeadlineSeconds" not in _of(plain, "Job")["spec"]
    assert _of(asked, "Job")["spec"]["activeDeadlineSeconds"] == 5400
    assert _of(asked, "Job")["spec"]["template"]["spec"]["priorityClassName"] == "training-high"
    assert _of(asked, "PodGroup")["spec"]["priorityClassName"] == "training-high"


def test_a_failed_worker_is_started_again_in_place_but_not_what_cannot_run(job: Callable[..., TrainingJob]) -> None:
    described = _of(render(job(retries=5)).objects, "Job")["spec"]
    container = described["template"]["spec"]["containers"][0]
    again, never = container["restartPolicyRules"][0]["exitCodes"], described["podFailurePolicy"]["rules"]
    assert (again["operator"], again["values"]) == ("NotIn", [0, 125, 126, 127])
    assert never[0] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert (never[1]["action"], never[1]["onExitCodes"]["values"]) == ("FailJob", [125, 126, 127])
    assert described["backoffLimit"] == 5


def test_what_a_framework_sets_is_read_from_its_template() -> None:
    assert {"PET_NNODES", "PET_NODE_RANK", "RANK", "MASTER_ADDR", "CHECKPOINT_DIR"} <= set(variables_of("pytorch"))
    assert {"TF_CONFIG", "KERAS_DISTRIBUTION_PROCESS_ID"} <= set(variables_of("keras"))
    assert {"MS_ROLE", "MS_SCHED_HOST", "MS_WORKER_NUM"} <= set(variables_of("mindspore"))
    assert {"DMLC_ROLE", "DMLC_PS_ROOT_URI"} <= set(variables_of("mxnet"))
    assert "TF_CONFIG" not in variables_of("pytorch")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["spec"].update(complections=1), "the API knows no complections"),
        (lambda one: one["spec"].update(completions="1"), "must be int, not str"),
        (lambda one: one["spec"].update(suspend=1), "must be bool, not int"),
        (lambda one: one["spec"]["template"]["spec"].pop("containers"), "containers"),
        (lambda one: one["spec"].update(template=[]), "must be a mapping"),
        (lambda one: one.update(kind="Jobb"), "the API has no Jobb"),
        (lambda one: one["metadata"].update(labels=[]), "must be a"),
    ],
)
def test_an_object_that_the_api_does_not_know_is_refused(
    job: Callable[..., TrainingJob], change: Callable[[Object], Any], said: str
) -> None:
    one = copy.deepcopy(_of(render(job()).objects, "Job"))
    check(one)
    change(one)
    with pytest.raises(AmalgamError, match=said):
        check(one)
