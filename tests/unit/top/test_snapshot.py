"""What is made of the answers of a real Prometheus."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.top.snapshot import Amount, Snapshot, View, take
from tests.unit.top.recorded import Recorded

GIB = 1024.0**3


def about(value: float) -> float:
    """As it was recorded, with six digits."""
    return float(f"{value:g}")


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def _taken(recorded: Recorded, *views: View) -> Snapshot:
    return take(recorded.client(), views or tuple(View), now=0)


def test_a_host_has_what_is_measured_there_and_its_chips(recorded: Recorded) -> None:
    gpu1, gpu2, master1, stor1 = _taken(recorded).nodes
    assert [one.name for one in (gpu1, gpu2, master1, stor1)] == ["gpu1", "gpu2", "master1", "stor1"]
    assert (gpu1.memory_total, gpu1.disk) == (about(64 * GIB), 0.1)
    assert gpu1.cpu == pytest.approx(0.4, abs=0.3)
    assert (gpu1.receive, gpu1.transmit) == (12e6, 3e6)
    # Three of the eight were recorded: the cluster knows of all.
    assert (gpu1.chips, gpu1.chips_held) == (8, 1)
    assert gpu1.chips_utilization == pytest.approx(0.31)
    assert (master1.chips, master1.chips_utilization) == (0, None)


def test_how_a_host_is_says_first_whether_it_answers(recorded: Recorded) -> None:
    assert [node.state for node in _taken(recorded).nodes] == ["ready", "cordoned", "ready", "up"]
    for one in recorded.series('condition="Ready"'):
        one["value"][1] = "0"
    assert [node.state for node in _taken(recorded).nodes] == ["not ready", "not ready", "not ready", "up"]
    for answer in (one for query, one in recorded.answers.items() if query == 'up{node!=""}'):
        for one in answer["data"]["result"]:
            one["value"][1] = "0"
    assert {node.state for node in _taken(recorded).nodes} == {"down"}


def test_several_cards_are_added_up_and_the_busiest_disk_counts(recorded: Recorded) -> None:
    series = recorded.series("node:disk_io:ratio")
    for name, label, value in (
        ("node:network_receive:bytes_rate", "eth1", "5"),
        ("node:disk_io:ratio", "vdb", "0.9"),
    ):
        series.append({"metric": {"__name__": name, "node": "gpu1", "device": label}, "value": [0, value]})
    gpu1 = _taken(recorded).nodes[0]
    assert (gpu1.receive, gpu1.disk) == (12e6 + 5, 0.9)


def test_a_host_of_which_nothing_is_measured_is_there(recorded: Recorded) -> None:
    series = recorded.series("node:disk_io:ratio")
    series[:] = [one for one in series if one["metric"]["node"] != "gpu1"]
    gpu1 = _taken(recorded).nodes[0]
    assert (gpu1.name, gpu1.cpu, gpu1.memory_used, gpu1.files) == ("gpu1", None, None, None)


def test_a_vc_has_its_use_its_requests_and_its_quota(recorded: Recorded) -> None:
    nlp, vision = _taken(recorded).vcs
    assert (nlp.name, nlp.cpu_used, nlp.cpu) == ("nlp", 1.7, Amount(2, 12))
    assert vision.memory == Amount(about(8 * GIB), about(64 * GIB))
    assert vision.chips == {"nvidia.com/gpu": Amount(3, 10)}
    assert (nlp.pods, vision.pods) == ({"Pending": 2, "Running": 1}, {"Running": 1})


def test_a_vc_without_any_of_a_kind_has_none(recorded: Recorded) -> None:
    for one in recorded.series("kube_resourcequota"):
        if one["metric"]["resource"] == "requests.nvidia.com/gpu":
            one["value"][1] = "0"
    assert [vc.chips for vc in _taken(recorded).vcs] == [{}, {}]


def test_a_chip_has_its_readings_and_who_holds_it(recorded: Recorded) -> None:
    held, hot, bad = _taken(recorded).chips
    assert (held.node, held.vendor, held.chip, held.namespace, held.pod) == ("gpu1", "nvidia", "0", "vision", "train-0")
    assert (held.utilization, held.memory_used, held.memory_total) == (0.93, about(70 * GIB), about(80 * GIB))
    assert (hot.temperature, hot.healthy, hot.pod) == (88, True, "")
    assert bad.healthy is False


def test_a_reading_that_is_not_there_is_unknown(recorded: Recorded) -> None:
    series = recorded.series("accelerator_healthy")
    for one in series:
        if one["metric"]["__name__"] == "accelerator_utilization:ratio":
            one["value"][1] = "NaN"
    series[:] = [one for one in series if one["metric"]["__name__"] != "accelerator_healthy"]
    assert {(chip.healthy, chip.utilization) for chip in _taken(recorded).chips} == {(None, None)}


def test_alerts_are_counted_by_how_bad_they_are(recorded: Recorded) -> None:
    assert _taken(recorded).alerts == {"critical": 1, "warning": 1}


def test_only_what_is_shown_is_asked_for(recorded: Recorded) -> None:
    facts = _taken(recorded, View.VCS).facts([View.VCS])
    assert set(facts) == {"at", "alerts", "vcs"}
    assert not [query for query in recorded.asked if "node" in query or "accelerator" in query]
    assert json.loads(json.dumps(facts))["vcs"][0]["cpu"] == {"requested": 2, "quota": 12}


def test_where_nothing_is_measured_that_is_said(recorded: Recorded) -> None:
    recorded.series("group by (node)").clear()
    with pytest.raises(AmalgamError, match="nothing has been measured yet"):
        _taken(recorded)


def test_what_is_asked_for_is_recorded(recorded: Recorded) -> None:
    _taken(recorded)
    names = {
        name for query in recorded.asked for name in re.findall(r"\b(?:node|vc):[a-z_:]+|accelerator_[a-z_:]+", query)
    }
    rules = (project_root() / "roles" / "prometheus" / "rules").glob("*.yml")
    assert names <= {one["record"] for file in rules for one in yaml.safe_load(file.read_text())["records"]}
    assert len(names) == 16
