"""A log store or agent of a test's own, beside the site's, as a unit that leaves nothing behind."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.waiting import wait_until


@dataclass(frozen=True)
class OwnLogUnit:
    """One of the two programs on a host that has it, on a port of its own."""

    host: Node
    program: str
    port: int

    @property
    def name(self) -> str:
        """Of the unit."""
        return f"amalgam-test-{self.program}"

    @property
    def folder(self) -> str:
        """What it keeps is below; gone with :meth:`remove`."""
        return f"/var/tmp/{self.name}"

    @property
    def url(self) -> str:
        """On the host alone."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *flags: str) -> None:
        """Start it with these flags, and wait until it answers.

        Raises:
            AssertionError: it runs already, or does not answer.
        """
        command = [f"/usr/local/bin/{self.program}", f"-httpListenAddr=127.0.0.1:{self.port}", *flags]
        self.host.run(f"systemd-run --quiet --unit {self.name} {shlex.join(command)}")
        answers = f"curl --silent {self.url}/health"
        wait_until(f"{self.name} answers", lambda: self.host.run(answers, check=False).rc == 0, seconds=30)

    def stop(self) -> None:
        """Let it end.

        Raises:
            AssertionError: it did not end by itself within a while.
        """
        self.host.run(f"systemctl stop {self.name}")
        state = self.host.run(f"systemctl is-failed {self.name}", check=False).stdout.strip()
        assert state == "inactive", f"{self.name} is {state}"

    def kill(self) -> None:
        """End it in the middle of what it does."""
        self.host.run(f"systemctl kill --signal KILL {self.name}")
        ended = f"systemctl is-active {self.name}"
        wait_until(f"{self.name} is dead", lambda: self.host.run(ended, check=False).rc != 0, seconds=30)
        self.host.run(f"systemctl reset-failed {self.name}")

    def query(self, query: str) -> str:
        """What a store finds, an object in JSON on each line."""
        asked = f"curl --silent --show-error --fail --data-urlencode {shlex.quote(f'query={query}')}"
        return self.host.run(f"{asked} {self.url}/select/logsql/query").stdout

    def remove(self) -> None:
        """Take it away with all that it kept."""
        for command in (f"systemctl stop {self.name}", f"systemctl reset-failed {self.name}", f"rm -rf {self.folder}"):
            self.host.run(command, check=False)


@contextmanager
def own_log_store(lab: Lab) -> Iterator[OwnLogUnit]:
    """A store on the host that has the program; it is yet to be started."""
    unit = OwnLogUnit(lab.node(lab.members("management")[0]), "victoria-logs", 19428)
    try:
        yield unit
    finally:
        unit.remove()
