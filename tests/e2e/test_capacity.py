"""The site's people see in a terminal and on a page how full it is."""

from __future__ import annotations

import json
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


def test_top_shows_every_host_with_its_chips(lab: Lab, cluster: Cluster) -> None:
    with_chips = {host.name: kind_of(host.accelerator) for host in lab.site.hosts if host.accelerator}
    chips = {name: len(ChipNode(cluster, lab.node(name), kind).chips()) for name, kind in with_chips.items()}
    wanted = {node.name: chips.get(node.name, 0) for node in lab.nodes()}
    shown = wait_until(
        "all hosts are shown with their chips",
        lambda: _top(lab),
        lambda seen: {node["name"]: node["chips"] for node in seen["nodes"]} == wanted,
        seconds=60,
    )
    assert all(node["cpu"] is not None and node["memory_total"] for node in shown["nodes"])
    states = {node["name"]: node["state"] for node in shown["nodes"]}
    assert {states[name] for name in lab.members("control_plane", "workers")} <= {"ready", "cordoned"}
    by_chip = [(chip["node"], chip["vendor"]) for chip in shown["chips"]]
    assert {name: by_chip.count((name, kind.accelerator)) for name, kind in with_chips.items()} == chips
    assert all(0 <= chip["utilization"] <= 1 and chip["temperature"] > 0 for chip in shown["chips"])


def test_top_shows_every_vc_with_its_quota(lab: Lab) -> None:
    shown = {vc["name"]: vc for vc in _top(lab)["vcs"]}
    for one in tenancies(lab.site.tenants):
        assert shown[one.name]["cpu"]["quota"] * 1000 == one.effective["cpu"]
        assert shown[one.name]["memory"]["quota"] == one.effective["memory"]


def test_the_report_has_every_host_every_vc_and_the_cluster(lab: Lab) -> None:
    entries = _report(lab)["entries"]
    of = {scope: {entry["name"] for entry in entries if entry["scope"] == scope} for scope in ("node", "vc", "cluster")}
    assert of["node"] == {node.name for node in lab.nodes()}
    assert of["vc"] == {one.name for one in tenancies(lab.site.tenants)}
    cluster = {entry["resource"] for entry in entries if entry["scope"] == "cluster"}
    chips = {kind_of(host.accelerator).resource for host in lab.site.hosts if host.accelerator}
    assert {"cpu", "cpu requested", "memory", "memory requested", "storage", *chips} <= cluster
    for name in of["node"]:
        own = {entry["resource"] for entry in entries if (entry["scope"], entry["name"]) == ("node", name)}
        assert {"cpu", "memory"} <= own, name


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
