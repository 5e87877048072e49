"""Globs over paths inside a tree, as the template and archive plugins take them.

``*`` and ``?`` stay within one folder, ``**`` crosses folders. Patterns are relative to the tree's root; a pattern that
ends with ``/`` means folders. All else is literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from amalgam.errors import AmalgamError

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANING = {"**/": r"(?:[^/]+/)*", "**": r".+", "*": r"[^/]*", "?": r"[^/]"}


def to_regex(pattern: str) -> str:
    """The regular expression, for ``re.fullmatch``, that means the same as ``pattern``.

    Raises:
        AmalgamError: the pattern is empty or absolute.
    """
    if not pattern or pattern.startswith("/"):
        raise AmalgamError(
            f"path glob {pattern!r} is not relative",
            remedy="write it relative to the tree's root, without a leading slash: etc/haproxy/**",
        )
    return "".join(_MEANING.get(token) or re.escape(token) for token in _TOKENS.findall(pattern))


def matches(pattern: str, path: str) -> bool:
    """Whether ``path`` (folders with a trailing slash) is one that ``pattern`` means."""
    return re.fullmatch(to_regex(pattern), path) is not None


def require_matches(patterns: Iterable[str], paths: Iterable[str], *, where: str) -> None:
    """Refuse patterns that mean none of ``paths``: a typo there would silently do nothing.

    Raises:
        AmalgamError: with the first such pattern, named after ``where`` (the option it stands in).
    """
    known = list(paths)
    for pattern in patterns:
        if not any(matches(pattern, path) for path in known):
            raise AmalgamError(
                f"no path in the tree matches {pattern!r}",
                where=where,
                remedy="correct the glob or remove it; paths are relative to the tree's root",
            )


def handler_rules(handlers: Mapping[str, str | list[str]]) -> list[tuple[str, list[str]]]:
    """Globs to handler names, as the plugins take them, in the form that the target side matches changed paths with.

    Raises:
        AmalgamError: a glob is empty or absolute.
    """
    return [
        (to_regex(pattern), [names] if isinstance(names, str) else list(names)) for pattern, names in handlers.items()
    ]
