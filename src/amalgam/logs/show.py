"""A line of the logs as people read it."""

from __future__ import annotations

import re
from datetime import datetime

from rich.text import Text

from amalgam.logs.query import NAMESPACE, POD
from amalgam.logs.store import Line

# What a program printed must not move the reader's cursor, or give the terminal commands.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What the agents and the store say of a container's line, and where in its program it was printed; the rest it printed.
_ABOUT = ("_", "kubernetes.")
_PLACE = {"cluster", "log", "node", "level", "source_line", "thread_id", "caller", "ts"}
_STYLES = {
    "emerg": "bold red",
    "alert": "bold red",
    "critical": "bold red",
    "fatal": "bold red",
    "error": "red",
    "err": "red",
    "warning": "yellow",
    "warn": "yellow",
    "debug": "dim",
}


def shown(line: Line) -> Text:
    """When, where, who and what; of what a pipe has made of lines, all that it says."""
    if "_msg" not in line:
        return Text(_fields(line))
    text = Text()
    text.append(_time(line.get("_time", "")), style="dim")
    text.append(f" {_clean(line.get('node', '-'))}", style="cyan")
    text.append(f" {_clean(speaker(line))}", style="green")
    text.append(f" {_clean(line['_msg'])}", style=_STYLES.get(line.get("level", "").lower(), ""))
    if said := _fields(_printed(line)):
        text.append(f" {said}", style="dim")
    return text


def speaker(line: Line) -> str:
    """Who said it: a container, a unit, or who asked the API server for something."""
    if line.get("log") == "audit":
        return f"audit/{line.get('user.username', '-')}/{line.get('verb', '-')}"
    if line.get("log") == "events":
        about = "/".join(filter(None, (line.get(NAMESPACE), line.get("object_kind"), line.get("object_name"))))
        return f"event/{about or '-'}/{line.get('reason', '-')}"
    if POD in line:
        return f"{line.get(NAMESPACE, '-')}/{line[POD]}/{line.get('kubernetes.container_name', '-')}"
    return line.get("_SYSTEMD_UNIT") or line.get("SYSLOG_IDENTIFIER") or line.get("_TRANSPORT") or line.get("log", "-")


def _printed(line: Line) -> Line:
    """What a container printed beside its message, as JSON or in the form of Kubernetes' own programs."""
    if line.get("log") != "pods":
        return {}
    return {name: value for name, value in line.items() if not name.startswith(_ABOUT) and name not in _PLACE}


def _fields(line: Line) -> str:
    return " ".join(f"{_clean(name)}={_clean(value)}" for name, value in line.items())


def _time(text: str) -> str:
    try:
        local = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return _clean(text)
    return local.isoformat(sep=" ", timespec="milliseconds")


def _clean(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
