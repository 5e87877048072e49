"""Dependencies among Debian packages: is a set closed, and what of it does a wish need.

Rules: https://www.debian.org/doc/debian-policy/ch-relationships.html, and the field Version in ch-controlfields.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

_RELATION = re.compile(r"^(?P<name>[a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\((?P<op>[<>=]+)\s*(?P<version>[^)]+)\))?$")


class Package(Protocol):
    """What is asked of a package here."""

    @property
    def version(self) -> str:
        """Debian version."""

    @property
    def depends(self) -> str:
        """Depends and Pre-Depends."""

    @property
    def provides(self) -> str:
        """Provides."""


def _order(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def _compare_part(left: str, right: str) -> int:
    """Compare upstream versions or revisions: runs of other characters and numbers in turn."""
    while left or right:
        text_left, text_right = (re.match(r"\D*", part).group() for part in (left, right))  # type: ignore[union-attr]
        left, right = left[len(text_left) :], right[len(text_right) :]
        width = max(len(text_left), len(text_right))
        for index in range(width):
            one = _order(text_left[index]) if index < len(text_left) else 0
            two = _order(text_right[index]) if index < len(text_right) else 0
            if one != two:
                return -1 if one < two else 1
        number_left, number_right = (re.match(r"\d*", part).group() for part in (left, right))  # type: ignore[union-attr]
        left, right = left[len(number_left) :], right[len(number_right) :]
        if int(number_left or 0) != int(number_right or 0):
            return -1 if int(number_left or 0) < int(number_right or 0) else 1
    return 0


def compare_versions(left: str, right: str) -> int:
    """-1, 0 or 1 as ``left`` is older than, the same as, or newer than ``right``."""

    def split(version: str) -> tuple[int, str, str]:
        epoch, _, rest = version.rpartition(":")
        upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        return int(epoch or 0), upstream, revision

    one, two = split(left), split(right)
    if one[0] != two[0]:
        return -1 if one[0] < two[0] else 1
    return _compare_part(one[1], two[1]) or _compare_part(one[2], two[2])


def _meets(version: str, operator: str, wanted: str) -> bool:
    result = compare_versions(version, wanted)
    return {"<<": result < 0, "<=": result <= 0, "=": result == 0, ">=": result >= 0, ">>": result > 0}[operator]


def _relations(field: str) -> list[list[re.Match[str]]]:
    clauses = [clause for clause in (part.strip() for part in field.split(",")) if clause]
    return [[m for m in (_RELATION.match(alternative.strip()) for alternative in c.split("|")) if m] for c in clauses]


def _providers(packages: Mapping[str, Package]) -> dict[str, list[tuple[str, str]]]:
    """Name -> (package that bears or provides it, version it has under that name, empty when unversioned)."""
    providers: dict[str, list[tuple[str, str]]] = {name: [(name, entry.version)] for name, entry in packages.items()}
    for name, entry in packages.items():
        for clause in _relations(entry.provides):
            for relation in clause:
                providers.setdefault(relation["name"], []).append((name, relation["version"] or ""))
    return providers


def _answers(clause: list[re.Match[str]], providers: Mapping[str, list[tuple[str, str]]]) -> list[str]:
    """Packages that satisfy one clause, those of its first answered alternative."""
    for relation in clause:
        found = [
            package
            for package, version in providers.get(relation["name"], [])
            if not relation["op"] or (version and _meets(version, relation["op"], relation["version"].strip()))
        ]
        if found:
            return found
    return []


def unsatisfied(packages: Mapping[str, Package]) -> list[str]:
    """Every dependency that the set itself does not answer, as ``package: clause``. Empty: the set is closed."""
    providers = _providers(packages)
    return [
        f"{name}: {' | '.join(relation.group() for relation in clause)}"
        for name, entry in sorted(packages.items())
        for clause in _relations(entry.depends)
        if not _answers(clause, providers)
    ]


def needed(packages: Mapping[str, Package], wanted: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    """The part of ``packages`` that ``wanted`` needs, not following dependencies into ``without``."""
    providers = _providers(packages)
    barred = set(without)
    queue = [name for name in wanted if name in packages and name not in barred]
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name in found or name in barred:
            continue
        found.add(name)
        for clause in _relations(packages[name].depends):
            queue.extend(_answers(clause, providers))
    return found
