"""Amounts as people read them in a terminal and on pages, and what of them is to be noticed."""

from __future__ import annotations

from rich.text import Text

HIGH, VERY_HIGH = 0.7, 0.9
"""Shares of a limit from which on something is noticeable."""
STYLES = {"good": "", "high": "yellow", "very-high": "bold red"}
"""Level → colour in a terminal."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def level(share: float) -> str:
    """``good``, ``high`` or ``very-high``."""
    return "very-high" if share >= VERY_HIGH else "high" if share >= HIGH else "good"


def share_text(share: float | None) -> Text:
    """A share in per cent, coloured where it is high."""
    return Text("-") if share is None else Text(f"{share:.0%}", style=STYLES[level(share)])


def in_bytes(value: float) -> str:
    """With the largest unit that leaves something before the point."""
    power = 0
    while abs(value) >= 1024 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.1f} {_UNITS[power]}" if power else f"{value:.0f} B"
