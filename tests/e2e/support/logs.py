"""The site's logs as its people search them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from amalgam.lab.environment import environment
from tests.e2e.support import monitoring_web
from tests.e2e.support.checkout import program
from tests.e2e.support.nodes import Done, Lab, Node, run_local
from tests.e2e.support.waiting import wait_until

Line = dict[str, str]


@dataclass(frozen=True)
class Logs:
    """``amalgam logs`` of the lab, as the site's own user or as one of its people."""

    lab: Lab
    folder: Path
    _made: dict[str, Path] = field(default_factory=dict)

    @property
    def host(self) -> Node:
        """The node on which the store runs."""
        return self.lab.node(self.lab.members("management")[0])

    @property
    def url(self) -> str:
        """Where people search."""
        return f"{monitoring_web.url(self.lab.site)}/logs"

    def credentials(self, user: str) -> Path:
        """The file with which a person logs in."""
        if user not in self._made:
            file = self.folder / f"{user}.json"
            command = ["monitoring", "credentials", "-i", self.lab.state.inventory, "--user", user]
            run_local([program("amalgam"), *command, "--output", str(file)])
            self._made[user] = file
        return self._made[user]

    def run(self, *words: str, user: str = "") -> Done:
        """Run the command; it ends with 0 when lines were found, 1 when none was, 2 when something was wrong."""
        who = ["--credentials", str(self.credentials(user))] if user else ["-i", self.lab.state.inventory]
        return run_local([program("amalgam"), "logs", *who, *words], check=False, env=environment(self.lab.names))

    def search(self, *words: str, user: str = "") -> list[Line]:
        """The lines that are found.

        Raises:
            AssertionError: something was wrong.
        """
        done = self.run("--json", *words, user=user)
        assert done.rc in (0, 1), done.output
        return [json.loads(text) for text in done.stdout.splitlines()]

    def await_line(self, *words: str, user: str = "", seconds: float = 10.0) -> Line:
        """Wait until a line is found, and return the last one."""
        what = f"amalgam logs {' '.join(words)} finds a line"
        return wait_until(what, lambda: self.search(*words, user=user), seconds=seconds)[-1]

    def count(self, query: str) -> tuple[int, int]:
        """How many lines a query finds in the last hour, and how many different messages they have."""
        (found,) = self.search("--logsql", f"{query} | stats count() lines, count_uniq_hash(_msg) messages")
        return int(found["lines"]), int(found["messages"])

    def await_messages(self, query: str, wanted: int, *, seconds: float = 60.0) -> int:
        """Wait until so many different messages are found, no more and no fewer; says how many lines they are."""
        found = wait_until(
            f"{wanted} messages of {query}", lambda: self.count(query), lambda seen: seen[1] == wanted, seconds=seconds
        )
        return found[0]
