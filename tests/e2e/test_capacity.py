"""The site's people see in a terminal and on a page how full it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from amalgam.chips.table import kind_of
from amalgam.tenants.vcs import tenancies
from tests.e2e.support.checkout import program
from tests.e2e.support.chips import ChipNode
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Done, Lab, run_local
from tests.e2e.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("reach")]


def _amalgam(lab: Lab, *words: str, check: bool = True) -> Done:
    return run_local([program("amalgam"), *words, "-i", lab.state.inventory], check=check)


def _top(lab: Lab) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_amalgam(lab, "top", "--once", "--json").stdout)
    return shown


def _report(lab: Lab, *words: str) -> dict[str, Any]:
    """It ends with 1 where something is full, which a lab may be."""
    done = _amalgam(lab, "capacity", "report", "--days", "1", "--json", *words, check=False)
    assert done.rc in (0, 1), done.output
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.rc == 1) == bool(report["pressing"])
    return report


def _by_chip(shown: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Host and vendor → chips of which something is measured."""
    return Counter((chip["node"], chip["vendor"]) for chip in shown["chips"])


def test_top_shows_every_host_with_its_chips(lab: Lab, cluster: Cluster) -> None:
    with_chips = {host.name: kind_of(host.accelerator) for host in lab.site.hosts if host.accelerator}
    chips = {name: len(ChipNode(cluster, lab.node(name), kind).chips()) for name, kind in with_chips.items()}
    wanted = {node.name: chips.get(node.name, 0) for node in lab.nodes()}
    measured = {(name, kind.accelerator): chips[name] for name, kind in with_chips.items()}

    # A scrape that was missed leaves a gap until the next one.
    shown = wait_until(
        "all hosts are shown with their chips, and measured",
        lambda: _top(lab),
        lambda seen: (
            {node["name"]: node["chips"] for node in seen["nodes"]} == wanted
            and all(node["cpu"] is not None and node["memory_total"] for node in seen["nodes"])
            and _by_chip(seen) == measured
        ),
        seconds=60,
    )
    states = {node["name"]: node["state"] for node in shown["nodes"]}
    assert {states[name] for name in lab.members("control_plane", "workers")} <= {"ready", "cordoned"}
    assert all(0 <= chip["utilization"] <= 1 and chip["temperature"] > 0 for chip in shown["chips"])


def test_top_shows_every_vc_with_its_quota(lab: Lab) -> None:
    vcs = tenancies(lab.site.tenants)
    shown = wait_until(
        "all VCs are shown",
        lambda: {vc["name"]: vc for vc in _top(lab)["vcs"]},
        lambda seen: {one.name for one in vcs} <= seen.keys(),
        seconds=60,
    )
    for one in vcs:
        assert shown[one.name]["cpu"]["quota"] * 1000 == one.effective["cpu"]
        assert shown[one.name]["memory"]["quota"] == one.effective["memory"]


def test_the_report_has_every_host_every_vc_and_the_cluster(lab: Lab) -> None:
    chips = {kind_of(host.accelerator).resource for host in lab.site.hosts if host.accelerator}
    # Scope and name → what is to be there at least.
    wanted = {
        **{("node", node.name): {"cpu", "memory"} for node in lab.nodes()},
        **{("vc", one.name): set[str]() for one in tenancies(lab.site.tenants)},
        ("cluster", "cluster"): {"cpu", "cpu requested", "memory", "memory requested", "storage", *chips},
    }

    def look() -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for entry in _report(lab)["entries"]:
            found.setdefault((entry["scope"], entry["name"]), set()).add(entry["resource"])
        return found

    wait_until(
        "the report has all of them and no others",
        look,
        lambda found: found.keys() == wanted.keys() and all(least <= found[whose] for whose, least in wanted.items()),
        seconds=60,
    )


def test_a_day_names_no_day(lab: Lab) -> None:
    report = _report(lab)
    assert {entry["runs_out"] for entry in report["entries"]} == {None}
    assert {entry["verdict"] for entry in report["entries"]} <= {"too few days measured", "full"}
    assert {(one["scope"], one["name"]) for one in report["bottlenecks"]} >= {("cluster", "cluster")}


def test_the_page_has_all_of_it(lab: Lab, tmp_path: Path) -> None:
    report = _report(lab, "--html", str(tmp_path / "capacity.html"))
    text = (tmp_path / "capacity.html").read_text()
    assert f"<title>Capacity of {lab.site.settings.site_domain}</title>" in text
    assert text.count('role="img"') == len(report["entries"])
    assert "//" not in text
