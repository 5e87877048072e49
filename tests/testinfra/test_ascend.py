"""Ascend's runtime is where its NPUs are and the site leaves them to this project, and nowhere else."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts


def test_the_runtime_is_the_default_where_it_is_ours_to_bring(each_node: Host, facts: SiteFacts) -> None:
    wanted = each_node.backend.get_hostname() in facts.managed("ascend")
    settings = each_node.check_output("containerd config dump")
    assert f"default_runtime_name = '{'ascend' if wanted else 'runc'}'" in settings
    assert each_node.file("/usr/local/Ascend/Ascend-Docker-Runtime/ascend-docker-runtime").exists is wanted
