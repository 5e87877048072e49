"""The role ``cluster_verify`` with a stand-in for kubectl: which clusters it refuses, and how it names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import ROOT, Played


@pytest.fixture
def verify(play: Callable[..., Played], tmp_path: Path) -> Callable[..., Played]:
    """Run the role on a cluster of two nodes and one of another run, with these versions of the kubelet."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()

    def run(gpu1: str = "v7.8.9", *, ready: bool = True, others: str = "v7.8.9") -> Played:
        program.write_text(
            "#!/bin/sh\n"
            'case "$*" in\n'
            f"wait*node/gpu1\\ node/gpu2*) {'true' if ready else 'echo gpu2 timed out; exit 1'} ;;\n"
            f"get*) printf 'gpu1 {gpu1}\\ngpu2 v7.8.9\\ngpu3 {others}\\n' ;;\n"
            "*) exit 9 ;;\n"
            "esac\n"
        )
        program.chmod(0o755)
        tasks = [
            {"ansible.builtin.include_role": {"name": str(ROOT / "roles" / "cluster_verify")}},
            {"ansible.builtin.debug": {"msg": "{{ cluster_verify_lines }}"}},
        ]
        variables = {
            "cluster_verify_nodes": ["gpu1", "gpu2"],
            "cluster_verify_version": "7.8.9",
            "cluster_verify_budget_seconds": 1,
            "ansible_play_hosts": ["localhost"],
        }
        environment = {"PATH": f"{program.parent}:/usr/bin:/bin"}
        return play(tasks, vars=variables, environment=environment, gather_facts=False)

    return run


def test_a_cluster_as_it_is_to_be_is_shown(verify: Callable[..., Played]) -> None:
    done = verify()

    assert done.rc == 0, done.output
    assert "gpu1 v7.8.9" in done.output


def test_a_node_of_another_version_is_named(verify: Callable[..., Played]) -> None:
    done = verify("v7.8.8")

    assert done.rc != 0
    assert "Not every node runs Kubernetes 7.8.9" in done.output
    assert "gpu1 v7.8.8" in done.output


def test_a_node_that_this_run_left_out_may_be_older(verify: Callable[..., Played]) -> None:
    assert verify(others="v7.8.8").rc == 0


def test_a_node_that_is_not_ready_fails_in_kubectls_own_words(verify: Callable[..., Played]) -> None:
    done = verify(ready=False)

    assert done.rc != 0
    assert "gpu2 timed out" in done.output
