"""Stacks of the fixture programs, run by the site's own Pulumi against the lab's API server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from amalgam.lab.environment import environment
from amalgam.lab.kubeconfig import write_kubeconfig
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.nodes import Done, Lab, run_local

PROGRAMS = ROOT / "tests/fixtures/pulumi"


@dataclass(frozen=True)
class Stack:
    """One stack of one program, with a state of its own."""

    folder: Path
    environment: dict[str, str]
    name: str = "lab"

    def run(self, *arguments: str, check: bool = True, seconds: float = 300.0) -> Done:
        """Run a command of Pulumi in the program's folder."""
        return run_local(self._command(*arguments), env=self.environment, check=check, seconds=seconds)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, so that it and its plugins can be killed at once."""
        return subprocess.Popen(
            self._command(*arguments),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _command(self, *arguments: str) -> list[str]:
        return [self.environment["PULUMI"], "--cwd", str(self.folder), "--non-interactive", "--color=never", *arguments]

    def configure(self, **values: Any) -> None:
        """Set the program's settings; what is no text goes as JSON, and a password as a secret."""
        words = []
        for key, value in values.items():
            text = value if isinstance(value, str) else json.dumps(value)
            words += ["--secret" if key == "password" else "--plaintext", f"{key}={text}"]
        self.run("config", "set-all", *words)

    def up(self, *arguments: str, check: bool = True) -> Done:
        """Bring the cluster to the program."""
        return self.run("up", "--yes", "--skip-preview", *arguments, check=check)

    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json").stdout)
        return found

    @property
    def backend(self) -> Path:
        """The folder with the state files."""
        return Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))

    @property
    def state(self) -> str:
        """Everything that the state files say, backups and history too."""
        return "\n".join(path.read_text() for path in sorted(self.backend.rglob("*")) if path.is_file())


def copied_inventory(lab: Lab, folder: Path) -> Path:
    """A copy of the site's inventory to declare more in, with the site's own secrets; the folder of its variables."""
    shutil.copytree(lab.inventory, folder)
    variables = folder / "group_vars" / "all"
    settings = variables / "site.yml"
    # The accounts of VCs at the registry stay those that they are.
    state = {"site_state_dir": str(lab.site.state_dir)}
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | state))
    return variables


@contextmanager
def platform_on(lab: Lab, home: Path) -> Iterator[None]:
    """The platform on a lab of a test's own, as a person brings it up; its stacks' settings are gone afterwards."""
    write_kubeconfig(lab.names)
    up = [program("amalgam"), "platform", "up", "--inventory", str(lab.inventory)]
    try:
        run_local(up, env=pulumi_environment(lab, home), seconds=600)
        yield
    finally:
        for settings in (ROOT / "pulumi").glob(f"*/Pulumi.{lab.site.settings.site_name}.yaml"):
            settings.unlink()


def pulumi_environment(lab: Lab, home: Path) -> dict[str, str]:
    """The variables that `amalgam pulumi setup` prints, and the lab's kubeconfig."""
    setup = [program("amalgam"), "pulumi", "setup", "--json", "--inventory", str(lab.inventory)]
    found = json.loads(run_local(setup, env={"PULUMI_HOME": str(home)}).stdout)
    path = found.pop("PATH")
    own = {"PULUMI": f"{path}/pulumi", "PATH": f"{path}:{os.environ['PATH']}"}
    return {**os.environ, **environment(lab.names), **found, **own}


def new_stack(program_name: str, folder: Path, variables: dict[str, str]) -> Stack:
    """A copy of a fixture program, and a fresh stack of it with a state in the same folder."""
    shutil.copytree(PROGRAMS / program_name, folder)
    backend = folder.with_name(f"{folder.name}-state")
    backend.mkdir()
    stack = Stack(folder, variables | {"PULUMI_BACKEND_URL": f"file://{backend}"})
    stack.run("stack", "init", stack.name)
    return stack
