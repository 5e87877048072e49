"""The site's Pulumi projects, run one after the other: each builds on what those before it made."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import yaml

from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.pulumi_home import ENGINE, PulumiHome
from amalgam.pulumi_locks import release_stale
from amalgam.work_log import note

PROJECTS = ("platform", "tenants", "training")
"""Folders below ``pulumi/``, in the order in which they are brought up."""


@dataclass(frozen=True)
class Projects:
    """The projects of one site, each with a stack named after it.

    Args:
        inventory: the site's folder.
        site_name: name of the stacks.
        home: where the engine, its state and its passphrase are.
        kubeconfig: the one that the site's install left, for where ``KUBECONFIG`` names no other.
    """

    inventory: Path
    site_name: str
    home: PulumiHome
    kubeconfig: Path

    def run(
        self, *command: str, backwards: bool = False, more: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    ) -> None:
        """Run a command of Pulumi in every project; it writes to this process's output.

        What an engine that was killed has left locked is no longer so.

        Args:
            command: words after ``pulumi``.
            backwards: the last project first, for what takes away what others stand on.
            more: project -> words after those, in this project alone.

        Raises:
            AmalgamError: it failed in one project; those after it were not touched.
        """
        for project in reversed(PROJECTS) if backwards else PROJECTS:
            release_stale(self.home.backend, project, self.site_name)
            if not self._is_made(project):
                self._make_stack(project)
            words = (*command, *more.get(project, ()))
            if self._pulumi(project, *words, "--stack", self.site_name).returncode:
                raise AmalgamError(
                    f"`pulumi {command[0]}` failed in pulumi/{project}",
                    where=f"stack {self.site_name}",
                    remedy="what is wrong stands above; mend it and start the same command again: it goes on",
                )
            if command[0] == "up" and (changes := self._changes(project)):
                note(f"{project}: {changes}")

    def _changes(self, project: str) -> str:
        """What the last update of a stack has changed, as the engine has noted it; empty where that is nothing."""
        history = self.home.backend / ".pulumi" / "history" / project / self.site_name
        last = max(history.glob("*.history.json"), default=None)
        if last is None:
            return "brought up"
        counts: dict[str, int] = json.loads(last.read_text()).get("resourceChanges", {})
        changes = sum(count for kind, count in counts.items() if kind != "same")
        return f"{changes} changes" if changes else ""

    def _is_made(self, project: str) -> bool:
        """Whether the stack is there for this inventory: to ask the engine takes as long as a tenth of an update."""
        state = self.home.backend / ".pulumi" / "stacks" / project / f"{self.site_name}.json"
        settings = self._settings(project)
        if not (state.is_file() and settings.is_file()):
            return False
        config = (yaml.safe_load(settings.read_text()) or {}).get("config") or {}
        return bool(config.get(f"{project}:inventory") == str(self.inventory.resolve()))

    def _settings(self, project: str) -> Path:
        return project_root() / "pulumi" / project / f"Pulumi.{self.site_name}.yaml"

    def _make_stack(self, project: str) -> None:
        selected = self._pulumi(project, "stack", "select", self.site_name, quiet=True)
        if selected.returncode and self.site_name in self._stacks(project):
            raise self._failed(project, ("stack", "select"), selected)
        if selected.returncode:
            # What is left of a stack whose state is gone has another passphrase's salt.
            self._settings(project).unlink(missing_ok=True)
            self._must(project, "stack", "init", self.site_name)
        self._must(project, "config", "set", "inventory", str(self.inventory.resolve()), "--stack", self.site_name)

    def _stacks(self, project: str) -> list[str]:
        """Names of the stacks that a project has; a state that cannot be read has no say in what is absent."""
        listed: list[dict[str, str]] = json.loads(self._must(project, "stack", "ls", "--json").stdout)
        # Of another project the name says which: organization/PROJECT/STACK.
        return [one["name"].removeprefix(f"organization/{project}/") for one in listed]

    def _must(self, project: str, *command: str) -> subprocess.CompletedProcess[str]:
        done = self._pulumi(project, *command, quiet=True)
        if done.returncode:
            raise self._failed(project, command, done)
        return done

    def _failed(self, project: str, command: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> AmalgamError:
        said = (done.stdout + done.stderr).strip().splitlines()[-3:]
        where, remedy = f"pulumi {' '.join(command[:2])} in pulumi/{project}", f"see the state in {self.home.backend}"
        return AmalgamError("\n".join(said), where=where, remedy=remedy)

    def _pulumi(self, project: str, *command: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        variables = self.home.environment()
        programs = variables.pop("PATH")
        environment = {**os.environ, **variables, "PATH": f"{programs}:{os.environ['PATH']}"}
        given = os.environ.get("KUBECONFIG") or str(self.kubeconfig)
        # The engine works in the project's folder.
        environment["KUBECONFIG"] = os.pathsep.join(map(os.path.abspath, given.split(os.pathsep)))
        folder = str(project_root() / "pulumi" / project)
        argv = [f"{programs}/{ENGINE}", "--cwd", folder, "--non-interactive", *command]
        return subprocess.run(argv, env=environment, capture_output=quiet, text=True, check=False)
