from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from amalgam.bundle.host import host_arch
from amalgam.lab import cluster, emulation, network, node, status
from amalgam.lab.cluster import Member
from amalgam.lab.names import Names
from amalgam.lab.state import LabState, save

NODES = {
    "items": [
        {
            "metadata": {"name": name},
            "spec": spec,
            "status": {"nodeInfo": {"kubeletVersion": "v7.8.9"}, "conditions": [{"type": "Ready", "status": ready}]},
        }
        for name, ready, spec in (
            ("gpu1", "True", {}),
            ("gpu2", "False", {}),
            ("gpu3", "Unknown", {"unschedulable": True}),
        )
    ]
}


@pytest.fixture
def kubectl(names: Names) -> Path:
    """A stand-in in the lab's bundle that answers with the nodes above; the site is installed."""
    program = names.folder / "bundle" / "files" / host_arch() / "kubectl"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(NODES)}\nE\n")
    program.chmod(0o755)
    names.kubeconfig.write_text("")
    return program


@pytest.fixture
def up(names: Names, state: LabState, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that is up, as far as its own eyes see."""
    save(names, state)
    monkeypatch.setattr(status, "require_root", lambda: None)
    monkeypatch.setattr(node, "system_state", lambda _: "running")
    monkeypatch.setattr(network, "egress", lambda _: [])
    monkeypatch.setattr(emulation, "is_emulated", lambda _: False)


def _shown(names: Names) -> str:
    said = io.StringIO()
    for table in status.tables(status.status(names)):
        Console(file=said, width=140).print(table)
    return said.getvalue()


@pytest.mark.usefixtures("kubectl")
def test_the_cluster_says_version_and_state_of_each_node(names: Names) -> None:
    assert cluster.members(names) == {
        "gpu1": Member("v7.8.9", "Ready"),
        "gpu2": Member("v7.8.9", "NotReady"),
        "gpu3": Member("v7.8.9", "Unknown,SchedulingDisabled"),
    }


@pytest.mark.usefixtures("kubectl", "up")
def test_the_table_and_the_facts_have_the_cluster_s_word_beside_the_lab_s_own(names: Names) -> None:
    facts = status.status(names)
    assert facts["cluster"] == "answers"
    assert [entry["kubernetes"] for entry in facts["nodes"]] == [{"version": "v7.8.9", "state": "Ready"}]
    shown = _shown(names)
    assert "v7.8.9 Ready" in shown
    for column in ("role", "architecture", "address"):
        assert str(facts["nodes"][0][column]) in shown
    assert [forward for forward in facts["forwards"] if forward["name"] not in shown] == []
    assert facts["forwards"]


@pytest.mark.usefixtures("up")
def test_a_lab_without_a_site_has_no_cluster_and_works_all_the_same(names: Names) -> None:
    facts = status.status(names)
    assert (facts["cluster"], facts["nodes"][0]["kubernetes"], facts["nodes"][0]["state"]) == ("none", None, "running")
    assert "no answer" not in _shown(names)


@pytest.mark.usefixtures("up")
@pytest.mark.parametrize("body", ["exit 1", "exec sleep 60", "echo no JSON"])
def test_an_api_that_does_not_answer_is_not_waited_for(
    names: Names, kubectl: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.1)
    kubectl.write_text(f"#!/bin/sh\n{body}\n")
    facts = status.status(names)
    assert (facts["cluster"], facts["nodes"][0]["kubernetes"]) == ("silent", None)
    assert "no answer" in _shown(names)
