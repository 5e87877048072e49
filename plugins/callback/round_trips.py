"""Where the time of a run goes: seconds, hosts and round trips of every task."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: round_trips
type: aggregate
short_description: Seconds, hosts and round trips of every task
description:
  - Prints, at the end of a run, its totals and the tasks that took longest, and writes every task to a file.
  - A round trip is a call of C(ssh) or C(sftp). Callbacks do not see these, so they are read from a file to which a
    wrapper around both programs adds a line for each call, see C(tests/bench/counted_ssh.py).
requirements:
  - enabled with C(ANSIBLE_CALLBACKS_ENABLED=round_trips)
options:
  folder:
    description:
      - Folder with the file C(calls), which has a line C(SECONDS-SINCE-1970 ADDRESS) for each call.
      - C(tasks.json) is written there.
    type: path
    required: true
    env: [{name: AMALGAM_ROUND_TRIPS}]
"""

LONGEST = 15


@dataclass
class TaskRecord:
    """One task of a run."""

    name: str
    path: str
    began: float
    seconds: float = 0.0
    executions: dict[str, int] = field(default_factory=dict)
    """Results of each host, without skipped ones; a loop is one."""
    round_trips: dict[str, int] = field(default_factory=dict)
    """Calls of ssh and sftp to each address."""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See ``DOCUMENTATION``."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "round_trips"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """No task yet."""
        super().__init__()
        self._tasks: list[TaskRecord] = []

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:  # noqa: ARG002 - Ansible's signature
        """A task begins, and with it the one before has ended."""
        self._begin(task)

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """A handler begins."""
        self._begin(task)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """A host has done its part."""
        self._count(result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:  # noqa: ARG002 - Ansible's signature
        """A host has failed."""
        self._count(result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """A host did not answer."""
        self._count(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:  # noqa: ARG002 - Ansible's signature
        """The run is over: print and write."""
        self._end_last()
        folder = Path(self.get_option("folder"))
        assign_calls(self._tasks, (folder / "calls").read_text() if (folder / "calls").exists() else "")
        (folder / "tasks.json").write_text(json.dumps([asdict(task) for task in self._tasks], indent=1))
        for line in summary(self._tasks):
            self._display.display(line)

    def _begin(self, task: Task) -> None:
        self._end_last()
        self._tasks.append(TaskRecord(task.get_name(), task.get_path(), time.time()))

    def _end_last(self) -> None:
        if self._tasks and not self._tasks[-1].seconds:
            self._tasks[-1].seconds = time.time() - self._tasks[-1].began

    def _count(self, result: CallbackTaskResult) -> None:
        host = str(result.host.get_name())
        executions = self._tasks[-1].executions
        executions[host] = executions.get(host, 0) + 1


def assign_calls(tasks: list[TaskRecord], calls: str) -> None:
    """Give each call to the task during which it was made: all hosts do the same task at a time."""
    for line in calls.splitlines():
        moment, address = line.split()
        made_in = [task for task in tasks if task.began <= float(moment)]
        if made_in:
            trips = made_in[-1].round_trips
            trips[address] = trips.get(address, 0) + 1


def summary(tasks: list[TaskRecord]) -> list[str]:
    """The totals and the tasks that took longest, as lines for people."""
    trips: dict[str, int] = {}
    for task in tasks:
        for address, count in task.round_trips.items():
            trips[address] = trips.get(address, 0) + count
    done = [task for task in tasks if task.executions]
    lines = [
        "",
        f"{len(done)} tasks done, {sum(sum(task.executions.values()) for task in done)} executions, "
        f"{sum(trips.values())} round trips, {sum(task.seconds for task in tasks):.1f} s",
        "round trips by host: " + ", ".join(f"{address} {count}" for address, count in sorted(trips.items())),
    ]
    for task in sorted(tasks, key=lambda one: one.seconds, reverse=True)[:LONGEST]:
        count = sum(task.round_trips.values())
        lines.append(f"{task.seconds:7.1f} s  {len(task.executions):3} hosts  {count:3} round trips  {task.name}")
    return lines
