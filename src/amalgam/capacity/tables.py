"""The report as tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from amalgam.capacity import words
from amalgam.capacity.measures import Scope
from amalgam.capacity.report import Entry, Report
from amalgam.monitoring.words import share_text

_TITLES = {Scope.CLUSTER: "Cluster", Scope.VC: "VCs", Scope.NODE: "Hosts"}


def tables(report: Report) -> Iterator[Table]:
    """One for each scope, and the bottlenecks at the end, where a terminal shows them."""
    for scope in Scope:
        found = [entry for entries in report.of(scope).values() for entry in entries]
        if found:
            yield _table(_TITLES[scope], found, report.days)
    yield _table("Fullest today", report.bottlenecks(), report.days)


def _table(title: str, entries: list[Entry], days: int) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("whose", "what", "used", "of", "share", "a day", "runs out"):
        table.add_column(heading, justify="left" if heading in ("whose", "what", "runs out") else "right")
    for entry in entries:
        table.add_row(
            Text(words.owner(entry)),
            Text(entry.resource),
            words.amount(entry.unit, entry.used),
            words.amount(entry.unit, entry.limit),
            share_text(entry.share),
            words.trend(entry),
            words.outlook(entry, days),
        )
    return table
