"""A job's manifest: its framework's template filled in, read back, and held against the API's own models."""

from __future__ import annotations

import json
import math
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.training.frameworks import FRAMEWORKS
from amalgam.training.parameters import PULL_SECRET, TrainingJob
from amalgam.training.schema import Object, check
from amalgam.training.ssh_keys import ssh_keys

_FIRST_PORT = 29500
_EXPORT = re.compile(r"^ *export (.*)$", re.MULTILINE)
_NAME = re.compile(r"(?:^|(?<= ))[A-Z][A-Z_]*(?==| |$)")


@dataclass(frozen=True)
class Manifest:
    """What a job is to the cluster."""

    text: str
    """YAML documents, for people and ``kubectl``."""
    objects: tuple[Object, ...]
    """The same as data."""


def render(job: TrainingJob) -> Manifest:
    """The manifest of a job.

    Raises:
        AmalgamError: the template made something that the API does not know; a fault of the template.
    """
    text = _environment().get_template(f"{job.framework}.yaml.j2").render(_variables(job))
    objects = tuple(yaml.safe_load_all(text))
    for one in objects:
        check(one)
    return Manifest(text, objects)


def variables_of(framework: str) -> list[str]:
    """Names of the environment variables that a framework's workers find, those of several workers included."""
    workers = 2 if FRAMEWORKS[framework].multi_node else 1
    sample = TrainingJob(
        name="sample", vc="sample", framework=framework, image="registry/sample:1", script=["train.py"], workers=workers
    )
    container = next(one for one in render(sample).objects if one["kind"] == "Job")["spec"]["template"]["spec"][
        "containers"
    ][0]
    exports = [word for line in _EXPORT.findall(container["command"][-2]) for word in _NAME.findall(line)]
    return sorted({variable["name"] for variable in container["env"]} | set(exports))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(project_root() / "templates" / "training"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; what users give goes through the filter `yaml`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"yaml": to_yaml, "json": json.dumps, "literal": literal, "indented": indented}
    return environment


def _variables(job: TrainingJob) -> dict[str, Any]:
    hosts = [f"{job.name}-{worker}.{job.name}" for worker in range(job.workers)]
    datasets = [{"read_only": not one.writable, "size": None, **_fields(one)} for one in job.datasets]
    scratch = [{"read_only": False, **_fields(one), "claim": f"{job.name}-{one.name}"} for one in job.scratch]
    return {
        "job": job,
        "framework": FRAMEWORKS[job.framework],
        "hosts": hosts,
        "master": hosts[0] if job.workers > 1 else "localhost",
        "addresses": [f"{host}:{_FIRST_PORT + process}" for host in hosts for process in range(job.started)],
        "folders": datasets + scratch,
        "ssh_keys": ssh_keys,
        "pull_secret": PULL_SECRET,
    }


def _fields(model: BaseModel) -> dict[str, Any]:
    return dict(model)


def to_yaml(value: object) -> str:
    """A value on one line of YAML; text is always quoted, so that it can be nothing else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_yaml(key)}: {to_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_yaml(each) for each in value) + "]"
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', width=math.inf, allow_unicode=False).rstrip("\n")
    raise AmalgamError(
        f"a template writes {value!r}", where="templates/training", remedy="this is a fault of the template"
    )


def literal(text: str) -> str:
    """``text`` as the kubelet is told to leave it: it fills ``$(NAME)`` in, and takes ``$$`` for ``$``."""
    return text.replace("$", "$$")


def indented(text: str, width: int) -> str:
    """``text`` with ``width`` spaces before each line; nothing stays nothing."""
    return textwrap.indent(text, " " * width)
