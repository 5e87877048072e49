"""Places in an object, and how two objects differ by them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from amalgam_pulumi.provider.values import Path, Unknown

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")
_PART = re.compile(r"""\[["']?([^\]"']+)["']?\]|([^.\[\]]+)""")


class Missing:
    """Says that there is no value at a place."""

    def __repr__(self) -> str:
        """For messages."""
        return "nothing"


MISSING = Missing()


class Change(NamedTuple):
    """One place where two objects differ."""

    path: Path
    old: Any
    new: Any


def changes(old: Any, new: Any, at: Path = ()) -> Iterator[Change]:
    """The deepest places where ``old`` and ``new`` (both plain) differ; lists of different length differ as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from changes(old.get(key, MISSING), new.get(key, MISSING), (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(before, after, (*at, index))
    elif isinstance(new, Unknown) or old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(at, old, new)


def written(path: Path) -> str:
    """A place as the engine writes it: ``spec.containers[0].image``, ``metadata.labels["a.b/c"]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.match(part):
            text += f".{part}" if text else part
        else:
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def parsed(field: str) -> Path:
    """A place as the API server writes it: ``spec.template.spec.containers[0].image``, ``metadata.labels[a.b/c]``."""
    parts: list[str | int] = []
    for bracket, name in _PART.findall(field):
        parts.append(int(bracket) if bracket.isdigit() else bracket or name)
    return tuple(parts)


def value_at(value: Any, path: Path) -> Any:
    """What ``value`` has at ``path``, or ``MISSING``."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def put(value: Any, path: Path, entry: Any) -> Any:
    """A copy of ``value`` with ``entry`` at ``path``, or without what is there where ``entry`` is ``MISSING``.

    Only the last part may be absent: nothing is made on the way.
    """
    head, *rest = path
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    if rest:
        copy[head] = put(copy[head], tuple(rest), entry)
    elif isinstance(entry, Missing):
        copy.pop(head, None) if isinstance(copy, dict) else copy.pop(head)
    else:
        copy[head] = entry
    return copy


def related(one: Path, other: Path) -> bool:
    """Whether one place is the other or lies inside it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
