"""The report as one HTML file that needs nothing else: a page to mail, to print, to keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from amalgam.capacity import words
from amalgam.capacity.forecast import DAY_S
from amalgam.capacity.measures import Scope
from amalgam.capacity.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, plot
from amalgam.capacity.report import Entry, Report
from amalgam.monitoring.words import level
from amalgam.paths import project_root


def page(report: Report, *, site: str, warn_days: int) -> str:
    """The whole of it.

    Args:
        report: what is shown.
        site: the site's domain, for the title.
        warn_days: what runs out so soon is shown at the top.
    """
    return (
        _environment()
        .get_template("capacity.html.j2")
        .render(
            site=site,
            at=datetime.fromtimestamp(report.at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            days=report.days,
            warn_days=warn_days,
            frame={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
            bottlenecks=[_shown(entry, report) for entry in report.bottlenecks()],
            pressing=[_shown(entry, report) for entry in report.pressing(warn_days)],
            silent=report.silent,
            sections=list(_sections(report)),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(project_root() / "templates" / "reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(entry: Entry, report: Report) -> dict[str, Any]:
    return {
        "owner": words.owner(entry),
        "resource": entry.resource,
        "used": words.amount(entry.unit, entry.used),
        "limit": words.amount(entry.unit, entry.limit),
        "share": entry.share,
        "level": level(entry.share),
        "trend": words.trend(entry),
        "outlook": words.outlook(entry, report.days),
    }


def _drawn(entry: Entry, report: Report) -> dict[str, Any]:
    start = report.at - report.days * DAY_S
    return {**_shown(entry, report), "plot": plot(entry, start, report.at)}


def _sections(report: Report) -> Iterator[dict[str, Any]]:
    for scope in Scope:
        for owner, entries in report.of(scope).items():
            title = {Scope.CLUSTER: "Cluster", Scope.VC: f"VC {owner}", Scope.NODE: f"Host {owner}"}[scope]
            yield {"title": title, "entries": [_drawn(entry, report) for entry in entries]}
