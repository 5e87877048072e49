"""The report as a page: whole in itself, and safe whatever things are called."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

from amalgam.capacity.page import page
from amalgam.capacity.report import make_report
from tests.unit.capacity.synthetic import FILES, GIB, MEMORY, NOW, Synthetic

NASTY = '<script src="https://example.invalid/x.js">"\'&'


class _Tags(HTMLParser):
    """Every tag closed, and all attributes kept."""

    _EMPTY = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self._EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(text: str) -> _Tags:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


def _drawings(text: str) -> Iterator[ElementTree.Element]:
    for part in text.split("<svg ")[1:]:
        yield ElementTree.fromstring(f"<svg {part.partition('</svg>')[0]}</svg>")


def _drawn(synthetic: Synthetic) -> str:
    return page(make_report(synthetic.client(), days=30, now=NOW), site="example", warn_days=30)


def test_the_page_parses_and_fetches_nothing(synthetic: Synthetic) -> None:
    text = _drawn(synthetic)
    tags = _parsed(text)
    assert not {tag for tag, _, _ in tags.attributes} & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert not {name for _, name, _ in tags.attributes} & {"src", "href", "srcset", "xlink:href"}
    assert "//" not in text
    assert "url(" not in text
    assert "@import" not in text
    policies = [value for _, name, value in tags.attributes if name == "content" and "default-src" in value]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_is_for_phones_and_for_dark_rooms_too(synthetic: Synthetic) -> None:
    text = _drawn(synthetic)
    assert ("meta", "content", "width=device-width, initial-scale=1") in _parsed(text).attributes
    assert "prefers-color-scheme: dark" in text


def test_a_plot_has_what_was_measured_the_trend_the_limit_and_the_range(synthetic: Synthetic) -> None:
    plots = [one for one in _drawings(_drawn(synthetic)) if one.get("role") == "img"]
    assert len(plots) == 5
    (storage,) = (one for one in plots if str(one.get("aria-label")).startswith("storage of cluster over time"))
    kinds = [one.get("class") for one in storage if one.tag != "text"]
    assert kinds == ["foot", "range", "limit", "now", "measured", "trend"]
    width, height = map(float, str(storage.get("viewBox")).split()[2:])
    for shape in storage:
        for pair in str(shape.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    (limit,) = (one for one in storage if one.get("class") == "limit")
    (trend,) = (one for one in storage if one.get("class") == "trend")
    assert str(trend.get("points")).split()[-1].split(",")[1] == limit.get("y1")


def test_a_gap_is_no_line(synthetic: Synthetic) -> None:
    synthetic.series = []
    synthetic.add(MEMORY, 64 * GIB, lambda days: math.nan if -20 < days < -10 else GIB, node="gpu1")
    (drawn,) = (one for one in _drawings(_drawn(synthetic)) if one.get("role") == "img")
    assert [one.get("class") for one in drawn].count("measured") == 2


def test_names_cannot_become_part_of_the_page(synthetic: Synthetic) -> None:
    synthetic.add(FILES, 100, lambda _: 100, node=NASTY, mountpoint=NASTY)
    text = _drawn(synthetic)
    tags = _parsed(text)
    assert "<script" not in text
    assert f"Host {NASTY}" in tags.text
    assert any(name == "aria-label" and NASTY in value for _, name, value in tags.attributes)
