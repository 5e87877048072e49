"""What Prometheus or Alertmanager does not take is refused before a file of it is replaced or it restarts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.nodes import Lab
from tests.e2e.support.playbook import PlaybookRun

pytestmark = pytest.mark.timeout(300)

_STATE = """systemctl show --property MainPID,ActiveEnterTimestampMonotonic,NRestarts prometheus prometheus-alertmanager
find /etc/prometheus -type f -exec sha256sum {} + | sort
curl --silent http://127.0.0.1:9090/prometheus/metrics | grep ^prometheus_config_last_reload"""

_RULE = {"groups": [{"name": "ups", "rules": [{"alert": "UpsDown", "expr": "up === 0"}]}]}
# Variables, the file that is refused for them, and the reason: each is one that only the program itself knows.
_REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a rule": (
        {"prometheus_extra_rule_files": ["OWN/ups.yml"], "prometheus_scrape_interval": "20s"},
        "rules/site-ups.yml",
        'rule 1, "UpsDown": could not parse expression: 1:6: parse error: unexpected "="',
    ),
    "a target": (
        {"prometheus_extra_scrape_configs": [{"job_name": "ups", "metric_path": "/metrics"}]},
        "prometheus.yml",
        "field metric_path not found",
    ),
    "a mail": (
        {"alertmanager_silence_url": 'https://a"b'},
        "alertmanager_templates/amalgam.tmpl",
        "bad character U+0022",
    ),
}


@pytest.mark.parametrize(("given", "file", "reason"), _REFUSED.values(), ids=_REFUSED)
def test_what_the_program_does_not_take_changes_nothing(
    lab: Lab, playbook: Callable[..., PlaybookRun], tmp_path: Path, given: dict[str, Any], file: str, reason: str
) -> None:
    if not lab.members("management"):
        pytest.skip("the site is not watched")
    (tmp_path / "ups.yml").write_text(json.dumps(_RULE))
    host = lab.node(lab.members("management")[0])
    before = host.run(_STATE).stdout

    variables = json.dumps(given).replace("OWN", str(tmp_path))
    run = playbook("--tags", "monitoring", "--limit", host.name, "--extra-vars", variables)

    said = " ".join(run.output.split())
    assert run.rc != 0
    assert f"/etc/prometheus/{file} was refused" in said, run.end
    assert reason in said, run.end
    assert run.counts("changed") == {host.name: 0}, run.end
    assert host.run(_STATE).stdout == before
