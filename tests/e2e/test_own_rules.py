"""A rule of the site's own that Prometheus does not take is refused before a file of it is replaced or it restarts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun

pytestmark = pytest.mark.timeout(300)

_STATE = """systemctl show --property MainPID,ActiveEnterTimestampMonotonic,NRestarts prometheus
find /etc/prometheus -type f -exec sha256sum {} + | sort
curl --silent http://127.0.0.1:9090/prometheus/metrics | grep ^prometheus_config_last_reload"""


def test_a_rule_of_the_sites_own_that_prometheus_does_not_take_changes_nothing(
    lab: Lab, playbook: Callable[..., PlaybookRun], tmp_path: Path
) -> None:
    if not lab.members("management"):
        pytest.skip("the site is not watched")
    (own := tmp_path / "ups.yml").write_text("groups: [{name: ups, rules: [{alert: UpsDown, expr: up === 0}]}]")
    host = lab.node(lab.members("management")[0])
    before = host.run(_STATE).stdout
    given = {"prometheus_extra_rule_files": [str(own)], "prometheus_scrape_interval": "20s"}

    run = playbook("--tags", "monitoring", "--limit", host.name, "--extra-vars", json.dumps(given))

    said = " ".join(run.output.split())
    assert run.rc != 0
    assert "/etc/prometheus/rules/site-ups.yml was refused" in said, run.end
    assert 'rule 1, "UpsDown": could not parse expression: 1:6: parse error: unexpected "="' in said, run.end
    assert run.counts("changed") == {host.name: 0}, run.end
    assert host.run(_STATE).stdout == before
