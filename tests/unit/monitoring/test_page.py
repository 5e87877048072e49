"""The page in a real browser, under the policy that the server sends, before a Prometheus that is none."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from amalgam.monitoring.dashboards import load
from tests.e2e.support.browser import Browser, Seen
from tests.unit.monitoring.stand_in import DASHBOARDS, served

pytestmark = pytest.mark.timeout(900)

NAMES = list(load(DASHBOARDS))

_LINKS = "[...document.querySelectorAll('#links a')].map((link) => link.getAttribute('href'))"
# Page → what follows the server's address, and what is looked at in it.
_PAGES = {
    **{name: (f"#{name}", "return 0") for name in NAMES},
    "chosen": (
        "#chip?node=worker2&range=3h&refresh=0",
        """const [node] = document.querySelectorAll("[data-variable=node]");
        return [node.value, document.querySelector("#range").value,
          ...[...document.querySelectorAll("td a")].slice(0, 2).map((link) => link.getAttribute("href")),
          document.querySelector("nav [aria-current]").textContent]""",
    ),
    "logs-vc": ("#vc?vc=vision", f"return {_LINKS}"),
    "logs-job": ("#job?vc=vision&job=train-resnet", f"return {_LINKS}"),
    "alerts": (
        "#cluster",
        """const box = document.querySelector("#alerts");
        return (async () => {
          while (box.dataset.state === "loading") await new Promise((done) => setTimeout(done, 50));
          return [box.dataset.level, box.querySelector("summary").textContent,
            ...[...box.querySelectorAll("li strong")].map((alert) => alert.textContent),
            ...[...box.querySelectorAll("li:first-child a")].map((link) => link.getAttribute("href"))];
        })()""",
    ),
    "queries": (
        "#cluster",
        """return import("/prometheus.js").then(({ fill }) => [
          fill('x{a=~"$node"}', { node: "a.b|c" }, { seconds: 60, step: 15 }),
          fill('x{a=~"$node"}[$range]', { node: ".*" }, { seconds: 60, step: 15 })])""",
    ),
    "keys": (
        "#chip",
        """const table = document.querySelector("[data-kind=table]");
        table.querySelectorAll("th button")[5].click();
        const sorted = [...table.querySelectorAll("th")].map((head) => head.getAttribute("aria-sort"));
        const series = document.querySelector(".legend button");
        series.click();
        return [sorted.slice(0, 6), document.activeElement.textContent, series.getAttribute("aria-pressed")]""",
    ),
}


def _opened(folder: Path, pages: dict[str, tuple[str, str]], failing: str = "", **options: object) -> dict[str, Seen]:
    with served(failing=failing, silent=str(options.pop("silent", ""))) as address:
        wanted = {name: f"{address}/{fragment}" for name, (fragment, _) in pages.items()}
        seen = Browser(folder).open(wanted, {name: script for name, (_, script) in pages.items()}, **options)
        assert {host for page in seen.values() for host in page.hosts()} == {urlsplit(address).netloc}
        return seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, Seen]:
    """Every page, opened by one browser."""
    return _opened(folder, _PAGES)


def test_every_panel_of_every_dashboard_shows_data_and_nothing_fails(seen: dict[str, Seen], folder: Path) -> None:
    assert {name: set(page.panels.values()) for name, page in seen.items()} == {name: {"data"} for name in _PAGES}
    assert [page.console + page.failed for page in seen.values()] == [[]] * len(_PAGES)
    assert all((folder / f"{name}.png").stat().st_size > 20_000 for name in NAMES)


def test_what_is_chosen_is_in_the_address_and_goes_along_to_other_dashboards(seen: dict[str, Seen]) -> None:
    links = ["#node?node=worker2&range=3h&refresh=0", "#chip?node=worker2&chip=0&range=3h&refresh=0"]
    assert seen["chosen"].answer == ["worker2", "3h", *links, "Chip"]


def test_logs_of_the_scope_are_linked(seen: dict[str, Seen]) -> None:
    assert seen["logs-vc"].answer == ["/logs/vc/vision/select/vmui/"]
    (job,) = seen["logs-job"].answer
    assert job.startswith("/logs/vc/vision/select/vmui/#/?query=")
    assert "train-resnet-" in job


def test_firing_alerts_are_shown_the_worst_first_with_what_to_do(seen: dict[str, Seen]) -> None:
    book = "https://monitoring.example.internal/runbooks/AcceleratorUnhealthy"
    worst_first = ["AcceleratorUnhealthy", "NodeMemoryHighUtilization"]
    silence = "/silences.html?alertname=AcceleratorUnhealthy&node=worker2"
    assert seen["alerts"].answer == ["critical", "2 alerts firing", *worst_first, book, silence]


def test_a_selection_with_the_signs_of_regular_expressions_stays_what_it_is(seen: dict[str, Seen]) -> None:
    assert seen["queries"].answer == [r'x{a=~"a\\.b\\|c"}', 'x{a=~".*"}[60s]']


def test_tables_and_legends_are_used_by_buttons_that_say_their_state(seen: dict[str, Seen]) -> None:
    assert seen["keys"].answer == [["none"] * 5 + ["descending"], "Busy", "false"]


def test_a_query_that_fails_and_one_that_finds_nothing_are_told_apart(folder: Path) -> None:
    pages = {"told-apart": ("#node", "return 0")}
    (page,) = _opened(folder, pages, failing="network_receive", silent="disk_read").values()

    others = {state for title, state in page.panels.items() if title not in ("Receiving", "Reading")}
    assert (page.panels["Receiving"], page.panels["Reading"], others) == ("error", "empty", {"data"})
    assert page.messages == {
        "Receiving": "This query failed: too many samples",
        "Reading": "No data for this selection and time.",
    }


def test_a_scope_without_anything_in_it_says_so(folder: Path) -> None:
    (page,) = _opened(folder, {"nothing": ("#job", "return 0")}, silent="kube_job_info").values()

    assert set(page.panels.values()) == {"empty"}
    assert set(page.messages.values()) == {"There is no virtual cluster in this time."}
    assert page.console == []


def test_a_phone_in_the_dark_shows_it_without_scrolling_sideways(folder: Path) -> None:
    script = "return [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]"
    pages = {"phone": ("#chip", script)}
    (page,) = _opened(folder, pages, size=[390, 844], scheme="dark").values()

    assert page.answer == [390, "rgb(14, 19, 24)"]
    assert set(page.panels.values()) == {"data"}
