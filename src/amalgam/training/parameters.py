"""What a training job is asked to be: every value checked before anything is rendered."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from amalgam.chips.table import Kind, kind_of_resource
from amalgam.errors import AmalgamError
from amalgam.models.faults import Fault
from amalgam.models.fields import is_domain, is_label
from amalgam.models.yaml_source import KeyPath, YamlSource, dotted, read_yaml
from amalgam.training.frameworks import FRAMEWORKS

VOLUME = "training"
"""Claim in every VC that holds checkpoints, logs and TensorBoard's files of its jobs."""

PULL_SECRET = "registry"  # noqa: S105 - a name
"""Secret in every VC with projects of the registry: with it nodes pull their images."""

LONGEST_NAME = 50
"""The names of a job's pods and Secret say more than the job's, in at most 63 characters."""


def _refusal(reason: str) -> PydanticCustomError:
    return PydanticCustomError("training", "{reason}", {"reason": reason})


def _checked(accept: Callable[[str], bool], form: str) -> AfterValidator:
    def check(value: str) -> str:
        if not accept(value):
            raise _refusal(f"{value!r} is not {form}")
        return value

    return AfterValidator(check)


def _is_job_name(text: str) -> bool:
    return is_label(text) and text[0].isalpha() and len(text) <= LONGEST_NAME


def _is_argument(text: str) -> bool:
    return "\0" not in text


_LABEL_FORM = "1 to 63 lower-case letters, digits and hyphens"
Label = Annotated[str, _checked(is_label, _LABEL_FORM)]
Name = Annotated[
    str,
    _checked(_is_job_name, f"1 to {LONGEST_NAME} lower-case letters, digits and hyphens, beginning with a letter"),
]
ObjectName = Annotated[str, _checked(is_domain, "the name of an object: lower-case letters, digits, hyphens, dots")]
FrameworkName = Annotated[str, _checked(lambda text: text in FRAMEWORKS, f"one of: {', '.join(FRAMEWORKS)}")]
Image = Annotated[
    str,
    _checked(
        lambda text: bool(re.fullmatch(r"[!-~]+/[!-~]+", text)), "an image with its registry, HOST[:PORT]/NAME:TAG"
    ),
]
Amount = Annotated[
    str, _checked(lambda text: bool(re.fullmatch(r"[1-9][0-9]{0,6}(Mi|Gi|Ti)", text)), "an amount like 512Mi or 64Gi")
]
Argument = Annotated[str, _checked(_is_argument, "possible: an argument has no NUL")]
Arguments = Annotated[list[Argument], Field(min_length=1)]


class Strict(BaseModel):
    """No unknown keys, no values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Chips(Strict):
    """Accelerators of each worker."""

    kind: Literal["nvidia.com/gpu", "huawei.com/Ascend910"]
    per_worker: Annotated[int, Field(ge=1)]


class Dataset(Strict):
    """A claim of the VC, seen at ``/data/NAME``."""

    name: Label
    claim: ObjectName
    writable: bool = False


class Scratch(Strict):
    """A folder of the job's workers at ``/data/NAME``; it is made with the job and goes with it."""

    name: Label
    size: Amount
    storage_class: ObjectName | None = None
    """Of the VC; ``None`` is the cluster's default."""


class TrainingJob(Strict):
    """A training job.

    Exactly one of ``script`` and ``command`` says what runs: a script is started by Python ``processes`` times in each
    worker, each with its own rank; a command once in each worker, and starts its processes itself.
    """

    name: Name
    vc: Label
    """Virtual cluster: the namespace."""
    framework: FrameworkName
    image: Image
    script: Arguments | None = None
    command: Arguments | None = None
    workers: Annotated[int, Field(ge=1, le=1000)] = 1
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    """Of each worker."""
    cpu: Annotated[float, Field(ge=0.1, le=1024)] = 1
    """Cores of each worker."""
    memory: Amount = "2Gi"
    """Of each worker, ``/dev/shm`` included."""
    chips: Chips | None = None
    datasets: list[Dataset] = []
    scratch: list[Scratch] = []
    volume: ObjectName = VOLUME
    """Claim for checkpoints, logs and TensorBoard's files."""
    priority: ObjectName | None = None
    """PriorityClass; ``None`` is the cluster's default."""
    retries: Annotated[int, Field(ge=0, le=100)] = 3
    """How often each worker is started again after a failure."""
    time_limit_minutes: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        framework = FRAMEWORKS[self.framework]
        if (self.script is None) == (self.command is None):
            raise _refusal("give either script or command")
        if self.workers > 1 and not framework.multi_node:
            raise _refusal(f"{framework.title} trains on a single node: workers must be 1, not {self.workers}")
        if self.command is not None and self.processes > 1 and not framework.has_starter:
            raise _refusal(
                f"a command is started once in each worker, and {framework.title} has no program that starts more: "
                f"give script instead of command, or processes: 1"
            )
        names = [one.name for one in self.datasets] + [one.name for one in self.scratch]
        for name in names:
            if names.count(name) > 1:
                raise _refusal(f"two folders are named {name}")
        if self.chips:
            _check_chips(kind_of_resource(self.chips.kind), self.chips.per_worker, self.workers)
        return self

    @property
    def started(self) -> int:
        """Processes that are started in each worker."""
        return self.processes if self.script is not None else 1

    @property
    def threads(self) -> int:
        """Cores for each process."""
        return max(1, math.floor(self.cpu / self.processes))

    @property
    def arguments(self) -> list[str]:
        """What is started."""
        return ["python3", *self.script] if self.script is not None else list(self.command or ())


def _check_chips(kind: Kind, per_worker: int, workers: int) -> None:
    """Refuse what no host can give; and of chips in rings, several workers that are no whole hosts."""
    if per_worker not in kind.counts:
        counts = ", ".join(map(str, kind.counts))
        raise _refusal(
            f"a worker cannot have {per_worker} {kind.resource}: a job takes {counts} on one host, or a multiple of "
            f"{kind.host_chips} with {kind.host_chips} in each worker"
        )
    in_rings = len(kind.counts) < kind.host_chips
    if in_rings and workers > 1 and per_worker != kind.host_chips:
        raise _refusal(
            f"{workers} workers of {per_worker} {kind.resource} are no whole hosts: a job with several workers has "
            f"{kind.host_chips} in each"
        )


def read_job(file: Path, changes: dict[str, Any], default_vc: str = "") -> TrainingJob:
    """The job that a YAML file describes, with ``changes`` of its top keys; ``default_vc`` where neither names a VC.

    Raises:
        AmalgamError: the file cannot be read, or does not describe a job; names every mistake, with its line.
    """
    faults: list[Fault] = []
    source = read_yaml(file, faults)
    if faults:
        raise AmalgamError(faults[0].reason, where=f"{file}:{faults[0].line}", remedy=faults[0].remedy)
    if not isinstance(source.value, dict):
        raise AmalgamError(
            "describes no training job", where=str(file), remedy="write keys with values: see docs/training.md"
        )
    values = ({"vc": default_vc} if default_vc else {}) | source.value | changes
    try:
        return TrainingJob.model_validate(values)
    except ValidationError as error:
        mistakes = [_mistake(source, detail["loc"], detail["msg"], changes) for detail in error.errors()]
        raise AmalgamError(
            "\n".join(mistakes), where=str(file), remedy="mend what is named; docs/training.md lists every key"
        ) from error


def _mistake(source: YamlSource, path: KeyPath, message: str, changes: dict[str, Any]) -> str:
    if not path:
        return message
    place = "--set" if path[0] in changes else f"line {source.line(path)}" if source.line(path) else "is not there"
    return f"{dotted(path)} ({place}): {message}"
