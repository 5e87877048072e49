"""Runs of ansible-playbook in the checkout: waited for, or watched and killed in the middle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from amalgam.lab import processes
from tests.e2e.support.checkout import ROOT, SITE, program

_RECAP_LINE = re.compile(r"^(?P<host>\S+)\s*:\s+(?P<counts>ok=\d+.*)$")
_PLAY_LINE = re.compile(r"^PLAY \[(?P<name>.*)\] \*+$", re.MULTILINE)
_RUN_SECONDS = 900.0


@dataclass(frozen=True)
class PlaybookRun:
    """A run that has ended."""

    rc: int
    output: str
    seconds: float

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Counts of each host: ok, changed, unreachable, failed, skipped, rescued, ignored."""
        _, _, recap = self.output.rpartition("PLAY RECAP")
        found = [match for line in recap.splitlines() if (match := _RECAP_LINE.match(line))]
        return {
            match["host"]: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", match["counts"])}
            for match in found
        }

    @property
    def plays(self) -> list[str]:
        """Names of the plays that were begun, in their order."""
        return [match["name"] for match in _PLAY_LINE.finditer(self.output)]

    @property
    def end(self) -> str:
        """The end of the output, for an error message."""
        return "\n".join(self.output.splitlines()[-60:])

    def counts(self, key: str) -> dict[str, int]:
        """One of the counts, of every host."""
        return {host: counts[key] for host, counts in self.recap.items()}


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """What ansible-playbook is to see: the checkout's settings, and output without colours."""
    colours = ("ANSIBLE_FORCE_COLOR", "FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE")
    own = {key: value for key, value in os.environ.items() if key not in colours}
    return {**own, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **(extra or {})}


@dataclass
class RunningPlaybook:
    """A run that goes on: of ansible-playbook, or of another program of ours."""

    arguments: list[str]
    extra_environment: dict[str, str] = field(default_factory=dict)
    program: str = "ansible-playbook"

    def __post_init__(self) -> None:
        """Start it."""
        self._began = time.monotonic()
        self._output = tempfile.NamedTemporaryFile(mode="w+b", prefix="amalgam-playbook-")  # noqa: SIM115 - closed by wait
        self.process = subprocess.Popen(
            [program(self.program), *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment(self.extra_environment),
            start_new_session=True,
        )

    def output(self) -> str:
        """What it has said so far."""
        return Path(self._output.name).read_text(errors="replace")

    def running(self, *, wait_seconds: float = 0.0) -> bool:
        """Whether it still runs, after at most so many seconds more."""
        try:
            self.process.wait(timeout=wait_seconds)
        except subprocess.TimeoutExpired:
            return True
        except KeyboardInterrupt:
            # It is a session of its own, so the terminal's interrupt does not reach it.
            self.kill()
            raise
        return False

    def wait(self, *, seconds: float = _RUN_SECONDS) -> PlaybookRun:
        """Wait for its end.

        Raises:
            AssertionError: it did not end within so many seconds; it is killed.
        """
        if self.running(wait_seconds=seconds):
            said = self.output()
            self.kill()
            raise AssertionError(f"the run did not end within {seconds:.0f} s; it said:\n{said[-4000:]}")
        done = PlaybookRun(self.process.returncode, self.output(), time.monotonic() - self._began)
        self._output.close()
        return done

    def kill(self) -> None:
        """SIGKILL to it and to everything it started, as when the controller loses power."""
        # Workers of Ansible are sessions of their own, so its process group would not do.
        doomed = [self.process.pid, *_descendants(self.process.pid)]
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for child in processes.children(pid):
        found += [child, *_descendants(child)]
    return found


def start_site(inventory: Path, *arguments: str, extra_environment: dict[str, str] | None = None) -> RunningPlaybook:
    """Start playbooks/site.yml on the site of an inventory folder."""
    return RunningPlaybook(["-i", str(inventory), SITE, *arguments], extra_environment or {})
