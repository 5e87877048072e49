"""Dashboards as data: what panels there are and what they ask Prometheus; a page in the browser draws them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from amalgam.errors import AmalgamError

Unit = Literal["ratio", "bytes", "bytes_per_second", "per_second", "celsius", "watts", "cores", "count", "seconds"]
"""What a panel's numbers are; the page knows how each is written."""
Kind = Literal["graph", "stat", "table"]
Width = Literal[3, 4, 6, 8, 12]
"""Of a panel, in twelfths of the page."""

GIVEN = frozenset({"range", "interval"})
"""What the page puts in by itself: the time range that is shown, and a window that fits its resolution."""

_VARIABLE = re.compile(r"\$([a-z_]+)")
_Text = Annotated[str, Field(min_length=1)]
_Sentence = Annotated[str, Field(pattern=r"\.$")]
_Name = Annotated[str, Field(pattern=r"^[a-z_]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(_Strict):
    """One PromQL query; ``$node`` and the like stand for what is selected, as a regular expression."""

    expr: _Text
    legend: str = ""
    """Name of each series, ``{{label}}`` for the value of a label; heading of the column in a table."""
    unit: Unit | None = None
    """Where it is not the panel's."""


class Thresholds(_Strict):
    """From where on a number is worth a look, and is bad: below them where ``critical`` is the lower one."""

    warning: float
    critical: float


class Column(_Strict):
    """A label of a table's rows."""

    label: _Text
    title: _Text
    variable: _Name | None = None
    """The variable that has such values, on this dashboard or others."""
    dashboard: _Name | None = None
    """The dashboard that its values lead to, with all variables of the row that it knows."""


class Panel(_Strict):
    """One graph, some numbers, or a table."""

    title: _Text
    kind: Kind
    unit: Unit
    queries: Annotated[list[Query], Field(min_length=1)]
    help: _Sentence
    """What is seen, and what to do when it looks bad."""
    width: Width = 6
    thresholds: Thresholds | None = None
    stacked: bool = False
    maximum: float | None = None
    """Upper end of a graph's axis, where the numbers have one."""
    columns: list[Column] = []

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "table") != bool(self.columns):
            raise ValueError("a table has columns, and nothing else has")
        if self.kind != "graph" and (self.stacked or self.maximum is not None):
            raise ValueError("only a graph can be stacked or have a maximum")
        return self


class Row(_Strict):
    """Panels under one heading."""

    title: _Text
    panels: Annotated[list[Panel], Field(min_length=1)]


class Variable(_Strict):
    """A choice of the person who looks: the values that ``label`` has in the series of ``expr``."""

    name: _Name
    title: _Text
    label: _Text
    expr: _Text
    all: bool = False
    """Whether all of them together can be chosen."""


class Link(_Strict):
    """A page of this server that belongs to the scope, ``$vc`` and the like put in."""

    title: _Text
    href: Annotated[str, Field(pattern="^/")]


class Dashboard(_Strict):
    """One page."""

    title: _Text
    position: int
    """Among the dashboards, from the left."""
    variables: list[Variable] = []
    links: list[Link] = []
    rows: Annotated[list[Row], Field(min_length=1)]

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels."""
        return (panel for row in self.rows for panel in row.panels)

    @property
    def expressions(self) -> Iterator[str]:
        """All PromQL."""
        yield from (variable.expr for variable in self.variables)
        yield from (query.expr for panel in self.panels for query in panel.queries)

    @model_validator(mode="after")
    def _variables_are_there(self) -> Self:
        known = {variable.name for variable in self.variables} | GIVEN
        texts = [*self.expressions, *(link.href for link in self.links)]
        if unknown := sorted({name for text in texts for name in _VARIABLE.findall(text)} - known):
            raise ValueError(f"${unknown[0]} is no variable of this dashboard")
        return self


def load(folder: Path) -> dict[str, Dashboard]:
    """Name → dashboard, of every ``NAME.yml`` in ``folder``, in their order.

    Raises:
        AmalgamError: one is not what it should be, or leads to a dashboard that is not there.
    """
    found = {file.stem: _read(file) for file in sorted(folder.glob("*.yml"))}
    if not found:
        raise AmalgamError("there are no dashboards", where=str(folder), remedy="describe one in a file NAME.yml")
    for name, dashboard in found.items():
        for column in (column for panel in dashboard.panels for column in panel.columns):
            if column.dashboard is not None and column.dashboard not in found:
                what = f"column {column.title!r} leads to a dashboard {column.dashboard!r} that is not there"
                raise AmalgamError(what, where=str(folder / f"{name}.yml"), remedy=f"name one of {', '.join(found)}")
    return dict(sorted(found.items(), key=lambda item: (item[1].position, item[0])))


def as_json(dashboards: Mapping[str, Dashboard], site: str) -> str:
    """What the page reads; the same bytes for the same dashboards."""
    described = [{"name": name, **dashboard.model_dump()} for name, dashboard in dashboards.items()]
    return json.dumps({"site": site, "dashboards": described}, ensure_ascii=False, separators=(",", ":")) + "\n"


def with_values(expr: str, values: Mapping[str, str] | None = None) -> str:
    """PromQL with something in the place of every variable, so that others than the page can read it."""
    chosen = {"range": "1h", "interval": "5m", **(values or {})}
    return _VARIABLE.sub(lambda match: chosen.get(match[1], ".*"), expr)


def _read(file: Path) -> Dashboard:
    try:
        return Dashboard.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise AmalgamError(f"no YAML: {error}", where=str(file), remedy="correct the file") from error
    except ValidationError as error:
        raise AmalgamError(_first(error.errors()), where=str(file), remedy="correct the file") from error


def _first(errors: Iterable[Mapping[str, object]]) -> str:
    """Place and reason of the first mistake."""
    (first, *_) = errors
    place = first["loc"]
    parts = place if isinstance(place, tuple) else ()
    return f"{'.'.join(str(part) for part in parts)}: {first['msg']}".removeprefix(": ")
