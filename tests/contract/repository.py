"""What lies in the checkout, as the contract tests look at it: files, roles, tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.task import Task as AnsibleTask

ROOT = Path(__file__).resolve().parents[2]

TASK_KEYWORDS = frozenset(AnsibleTask.fattributes.keys() | Handler.fattributes.keys() | Block.fattributes.keys())


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, part of the repository; relative to its root."""
    # A checkout may belong to another user than the one who tests it, which git refuses unless told.
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))


def files_below(*folders: str, suffixes: tuple[str, ...] = ()) -> list[Path]:
    """Files of the repository in one of ``folders`` (or itself named so), with one of ``suffixes`` if given."""
    return [
        file
        for file in files()
        if any(file == Path(folder) or Path(folder) in file.parents for folder in folders)
        and (not suffixes or file.suffix in suffixes)
    ]


def text(file: Path) -> str:
    """The content of a file of the repository; empty when it is not text."""
    try:
        return (ROOT / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it, vaulted values included; mappings know their line (key ``__line__``)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        mapping["__line__"] = node.start_mark.line + 1
        return mapping


class _PlainLoader(yaml.SafeLoader):
    """YAML as Ansible reads it, vaulted values included."""


for _loader in (_Loader, _PlainLoader):
    _loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))


@cache
def yaml_nodes(file: Path) -> tuple[yaml.Node, ...]:
    """The documents of a YAML file, as nodes."""
    return tuple(yaml.compose_all(text(file), Loader=_PlainLoader))


def yaml_data(file: Path) -> Any:
    """The content of a YAML file with one document."""
    return yaml.load(text(file), Loader=_PlainLoader)


@dataclass(frozen=True)
class Task:
    """One task of a play or a role, with its place."""

    file: Path
    line: int
    keywords: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.keywords.get("name", "(no name)"))

    @property
    def module(self) -> str:
        """Short name of its module; empty for a block."""
        found = [key for key in self.keywords if key not in TASK_KEYWORDS and not key.startswith(("__", "with_"))]
        return found[0].rpartition(".")[2] if found else ""

    @property
    def arguments(self) -> dict[str, Any]:
        """What the module is given; what is not named has the name that Ansible gives it, ``_raw_params``."""
        found = [key for key in self.keywords if key.rpartition(".")[2] == self.module]
        given = self.keywords[found[0]] if found else None
        words = given if isinstance(given, dict) else {"_raw_params": given}
        return {**words, **self.keywords.get("args", {})}

    def __str__(self) -> str:
        """Place and name, as in an editor's list of errors."""
        return f"{self.file}:{self.line} ({self.name})"


def _walk(file: Path, entries: Any) -> Iterator[Task]:
    for entry in entries or []:
        yield Task(file, entry["__line__"], {key: value for key, value in entry.items() if key != "__line__"})
        for part in ("block", "rescue", "always"):
            yield from _walk(file, entry.get(part))


@cache
def tasks_of(file: Path) -> tuple[Task, ...]:
    """The tasks of a task file, a handlers file or a playbook, those in blocks included."""
    content = yaml.load(text(file), Loader=_Loader) or []
    parts = ("pre_tasks", "tasks", "post_tasks", "handlers")
    if any("hosts" in entry for entry in content):
        return tuple(task for play in content for part in parts for task in _walk(file, play.get(part)))
    return tuple(task for task in _walk(file, content) if "import_playbook" not in task.module)


def all_tasks() -> list[Task]:
    """Every task of every role and playbook."""
    found = [file for role in roles() for file in (*role.task_files, *role.handler_files)]
    found += [file for file in files_below("playbooks", "molecule", suffixes=(".yml",)) if _is_playbook(file)]
    return [task for file in found for task in tasks_of(file)]


def roles_of_plays(playbook: Path) -> list[dict[str, Any]]:
    """How the plays of a playbook come to their roles: the words of each import and include."""
    return [task.arguments for task in tasks_of(playbook) if task.module in ("import_role", "include_role")]


def _is_playbook(file: Path) -> bool:
    content = yaml_data(file)
    return isinstance(content, list) and any("hosts" in entry for entry in content)


@dataclass(frozen=True)
class Role:
    """A role of the repository."""

    name: str

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path("roles") / self.name

    @cached_property
    def files(self) -> list[Path]:
        """All its files."""
        return files_below(str(self.folder))

    def _in(self, folder: str) -> list[Path]:
        return [file for file in self.files if self.folder / folder in file.parents]

    @property
    def task_files(self) -> list[Path]:
        """Files of tasks."""
        return self._in("tasks")

    @property
    def handler_files(self) -> list[Path]:
        """Files of handlers."""
        return self._in("handlers")

    def variables(self, folder: str) -> dict[str, Any]:
        """What ``defaults`` or ``vars`` say."""
        return {name: value for file in self._in(folder) for name, value in (yaml_data(file) or {}).items()}

    @cached_property
    def options(self) -> dict[str, dict[str, Any]]:
        """Options of the entry point ``main``, as ``meta/argument_specs.yml`` has them; empty without the file."""
        file = self.folder / "meta" / "argument_specs.yml"
        return (yaml_data(file)["argument_specs"]["main"].get("options") or {}) if file in files() else {}


@cache
def roles() -> tuple[Role, ...]:
    """Every role, by its name."""
    return tuple(Role(name) for name in sorted({file.parts[1] for file in files_below("roles") if len(file.parts) > 2}))
