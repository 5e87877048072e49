"""The figures of a benchmark, and how they are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

LONGEST = 15


@dataclass(frozen=True)
class Figure:
    """How long something took, and how long it may take."""

    what: str
    seconds: float
    goal_seconds: float
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """How fast something of ours is, and the plain thing beside it in the same run; larger is better."""

    what: str
    unit: str
    ours: float
    plain: float


@dataclass(frozen=True)
class TaskCounts:
    """What a run of a playbook did, from the file that the callback plugin ``round_trips`` wrote."""

    what: str
    seconds: float
    tasks: list[dict[str, Any]]

    @classmethod
    def read(cls, what: str, seconds: float, folder: Path) -> TaskCounts:
        """Read the counts of a run."""
        return cls(what, seconds, json.loads((folder / "tasks.json").read_text()))

    @property
    def done(self) -> list[dict[str, Any]]:
        """The tasks that some host did."""
        return [task for task in self.tasks if task["executions"]]

    @property
    def local(self) -> list[dict[str, Any]]:
        """The tasks that reached no host, skipped ones among them."""
        return [task for task in self.tasks if not task["round_trips"]]

    @property
    def executions(self) -> int:
        """Results of all hosts and tasks."""
        return sum(sum(task["executions"].values()) for task in self.done)

    @property
    def round_trips(self) -> dict[str, int]:
        """Calls of ssh and sftp, by address."""
        trips: dict[str, int] = {}
        for task in self.tasks:
            for address, count in task["round_trips"].items():
                trips[address] = trips.get(address, 0) + count
        return trips


def show(console: Console, figures: list[Figure], runs: list[TaskCounts]) -> None:
    """Print the figures beside their goals, then what each run did and where its time went."""
    table = Table("what", "took", "goal", "", "", title="Benchmark")
    for figure in figures:
        verdict = "[green]met[/]" if figure.seconds <= figure.goal_seconds else "[red]missed[/]"
        table.add_row(figure.what, f"{figure.seconds:.1f} s", f"{figure.goal_seconds:.0f} s", verdict, figure.note)
    console.print(table)
    if runs:
        _show_runs(console, runs)


def _show_runs(console: Console, runs: list[TaskCounts]) -> None:
    counts = Table("run", "tasks", "executions", "round trips", "by host", "on the controller", title="What runs did")
    for run in runs:
        by_host = ", ".join(f"{address} {count}" for address, count in sorted(run.round_trips.items()))
        total = str(sum(run.round_trips.values()))
        local = f"{len(run.local)} tasks, {sum(task['seconds'] for task in run.local):.1f} s"
        counts.add_row(run.what, str(len(run.done)), str(run.executions), total, by_host, local)
    console.print(counts)
    for run in runs:
        console.print(_longest(run))


def show_comparisons(console: Console, title: str, ours: str, plain: str, comparisons: list[Comparison]) -> None:
    """Print each figure of ours beside the plain one, and their ratio."""
    table = Table("what", ours, plain, "ratio", title=title)
    for one in comparisons:
        figures = [f"{value:,.0f} {one.unit}" for value in (one.ours, one.plain)]
        table.add_row(one.what, *figures, f"{one.ours / one.plain:.2f}")
    console.print(table)


def _longest(run: TaskCounts) -> Table:
    outside = run.seconds - sum(task["seconds"] for task in run.tasks)
    title = f"{run.what}: {run.seconds:.1f} s, of it {outside:.1f} s before the first task and after the last"
    table = Table("seconds", "hosts", "round trips", "task", title=title)
    for task in sorted(run.tasks, key=lambda one: one["seconds"], reverse=True)[:LONGEST]:
        trips = str(sum(task["round_trips"].values()))
        table.add_row(f"{task['seconds']:.1f}", str(len(task["executions"])), trips, task["name"])
    return table
