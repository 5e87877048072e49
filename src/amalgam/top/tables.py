"""A snapshot as tables in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from amalgam.monitoring.words import in_bytes, share_text
from amalgam.top.snapshot import Amount, Chip, Node, Snapshot, Vc, View

_HOT = 85
"""Degrees Celsius, from which on the site's rules warn."""
_STATES = {"ready": "green", "up": "green", "cordoned": "yellow", "not ready": "bold red", "down": "bold red"}
_SEVERITIES = {"critical": "bold red", "warning": "yellow", "info": ""}


def shown(snapshot: Snapshot, views: Iterable[View], *, note: str = "") -> RenderableType:
    """The tables of the views below a line with the time, the alerts, and a note."""
    parts: dict[View, Callable[[Snapshot], Table]] = {View.NODES: _nodes, View.VCS: _vcs, View.CHIPS: _chips}
    return Group(_head(snapshot, note), *(parts[view](snapshot) for view in views))


def _head(snapshot: Snapshot, note: str) -> Text:
    moment = datetime.fromtimestamp(snapshot.at, UTC).strftime("%H:%M:%S UTC")
    head = Text(f"{moment}  alerts: ")
    firing = [(name, snapshot.alerts.get(name, 0)) for name in _SEVERITIES]
    told = [Text(f"{count} {name}", style=_SEVERITIES[name]) for name, count in firing if count]
    head.append_text(Text(", ").join(told) if told else Text("none", style="green"))
    return head.append(f"  {note}" if note else "")


def _table(*headings: str, words: int) -> Table:
    """With so many columns of words, and then numbers."""
    table = Table(expand=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < words else "right")
    return table


def _nodes(snapshot: Snapshot) -> Table:
    headings = (
        "node",
        "state",
        "CPU",
        "memory",
        "",
        "busiest disk",
        "fullest files",
        "in /s",
        "out /s",
        "chips",
        "busy",
    )
    table = _table(*headings, words=2)
    for node in snapshot.nodes:
        table.add_row(
            Text(node.name),
            Text(node.state, style=_STATES[node.state]),
            share_text(node.cpu),
            _of_bytes(node.memory_used, node.memory_total),
            share_text(_share(node.memory_used, node.memory_total)),
            share_text(node.disk),
            share_text(node.files),
            _bytes(node.receive),
            _bytes(node.transmit),
            _held(node),
            # Chips at work are what one has them for: nothing to be warned of.
            Text("" if node.chips_utilization is None else f"{node.chips_utilization:.0%}"),
        )
    return table


def _vcs(snapshot: Snapshot) -> Table:
    headings = ("VC", "CPU used", "requested", "", "memory used", "requested", "", "chips requested", "pods")
    table = _table(*headings, words=1)
    for vc in snapshot.vcs:
        table.add_row(
            Text(vc.name),
            f"{vc.cpu_used:.1f}",
            _amount(vc.cpu, lambda value: f"{value:.1f}"),
            _amount_share(vc.cpu),
            in_bytes(vc.memory_used),
            _amount(vc.memory, in_bytes),
            _amount_share(vc.memory),
            _vc_chips(vc),
            Text(", ".join(f"{count} {phase.lower()}" for phase, count in vc.pods.items()) or "none"),
        )
    return table


def _chips(snapshot: Snapshot) -> Table:
    table = _table("node", "chip", "health", "pod", "busy", "memory", "", "°C", "W", words=4)
    for chip in snapshot.chips:
        table.add_row(
            Text(chip.node),
            Text(f"{chip.vendor} {chip.chip}"),
            _health(chip),
            Text(f"{chip.namespace}/{chip.pod}" if chip.pod else "-"),
            Text("-" if chip.utilization is None else f"{chip.utilization:.0%}"),
            _of_bytes(chip.memory_used, chip.memory_total),
            share_text(_share(chip.memory_used, chip.memory_total)),
            _number(chip.temperature, hot=_HOT),
            _number(chip.power),
        )
    return table


def _share(used: float | None, total: float | None) -> float | None:
    return used / total if used is not None and total else None


def _bytes(value: float | None) -> str:
    return "-" if value is None else in_bytes(value)


def _of_bytes(used: float | None, total: float | None) -> str:
    return "-" if used is None or total is None else f"{in_bytes(used)} of {in_bytes(total)}"


def _held(node: Node) -> str:
    return f"{node.chips_held} of {node.chips}" if node.chips else ""


def _amount(amount: Amount | None, text: Callable[[float], str]) -> str:
    return "-" if amount is None else f"{text(amount.requested)} of {text(amount.quota)}"


def _amount_share(amount: Amount | None) -> Text:
    return share_text(None if amount is None else amount.requested / amount.quota)


def _vc_chips(vc: Vc) -> Text:
    parts = [Text(f"{one.requested:.0f} of {one.quota:.0f} {name}") for name, one in vc.chips.items()]
    return Text(", ").join(parts) if parts else Text("-")


def _health(chip: Chip) -> Text:
    if chip.healthy is None:
        return Text("unknown", style="yellow")
    return Text("good", style="green") if chip.healthy else Text("bad", style="bold red")


def _number(value: float | None, hot: float = float("inf")) -> Text:
    return Text("-") if value is None else Text(f"{value:.0f}", style="bold red" if value >= hot else "")
