"""What is searched for, in the store's language LogsQL.

What the options say goes as filters of its own beside the query: a query with ``or`` or with pipes needs no brackets.
https://docs.victoriametrics.com/victorialogs/logsql/
https://docs.victoriametrics.com/victorialogs/querying/#extra-filters
"""

from __future__ import annotations

import json
from dataclasses import dataclass

NAMESPACE = "kubernetes.pod_namespace"
POD = "kubernetes.pod_name"
SOURCES = ("journal", "audit", "pods", "events")
"""Kinds of lines, as the agents label them (``log``)."""
ERRORS = ("err", "error")
"""Fields that say what went wrong where the message says only that something did: klog's, and most others'."""


@dataclass(frozen=True)
class Search:
    """What a person looks for."""

    text: str = ""
    """Found anywhere in a line's message, or in its error (:data:`ERRORS`)."""
    logsql: str = ""
    """A whole query, for those who know the language."""
    node: str = ""
    namespace: str = ""
    pod: str = ""
    """``NAME`` or the beginning of names, ``NAME*``."""
    unit: str = ""
    """``NAME[.service]`` of systemd."""
    source: str = ""
    """One of :data:`SOURCES`."""

    @property
    def query(self) -> str:
        """The query itself."""
        return self.logsql or "*"

    @property
    def filters(self) -> list[str]:
        """Filters that hold beside it."""
        wanted = [
            _said(self.text) if self.text else "",
            f"node:={_quoted(self.node)}" if self.node else "",
            # What begins with {" is taken for JSON.
            f"{{{NAMESPACE}={_quoted(self.namespace)}}}" if self.namespace else "",
            _named(POD, self.pod) if self.pod else "",
            _unit(self.unit) if self.unit else "",
            f"log:={_quoted(self.source)}" if self.source else "",
        ]
        return [one for one in wanted if one]


def _said(text: str) -> str:
    wanted = f"*{_quoted(text)}*"
    return f"({' or '.join([wanted, *(f'{field}:{wanted}' for field in ERRORS)])})"


def _named(field: str, name: str) -> str:
    start = name.removesuffix("*")
    return f"{_quoted(field)}:={_quoted(start)}{'*' if start != name else ''}"


def _unit(name: str) -> str:
    """What a unit printed, and what systemd says of it, as ``journalctl --unit`` shows."""
    full = _quoted(name if "." in name else f"{name}.service")
    return f"(_SYSTEMD_UNIT:={full} or UNIT:={full})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
