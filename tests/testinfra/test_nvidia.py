"""NVIDIA's runtime is where its GPUs are and the site leaves them to this project, and nowhere else."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts


def test_the_runtime_is_known_where_it_is_ours_to_bring(each_node: Host, facts: SiteFacts) -> None:
    wanted = each_node.backend.get_hostname() in facts.managed("nvidia")
    assert ("runtimes.nvidia]" in each_node.check_output("containerd config dump")) is wanted
    assert each_node.file("/usr/local/bin/nvidia-container-runtime").exists is wanted
