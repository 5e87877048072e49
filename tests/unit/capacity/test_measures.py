"""What Prometheus is asked for is what it understands, and what the rules record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from amalgam.capacity.measures import MEASURES, quota_name, resource_name
from amalgam.paths import project_root
from tests.unit.alerting.programs import program, said

EXPRESSIONS = sorted({one for measure in MEASURES for one in (measure.used.replace("WINDOW", "5m"), measure.limit)})
_RECORDED = re.compile(r"\b(?:node|vc|cluster):[a-z0-9_:]+")


def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    rules = [{"record": f"measure:{index}", "expr": one} for index, one in enumerate(EXPRESSIONS)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "measures", "rules": rules}]}), encoding="utf-8")
    assert said(program("promtool"), "check", "rules", file)[0] == 0


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_recorded(expression: str) -> None:
    rules = (project_root() / "roles" / "prometheus" / "rules").glob("*.yml")
    recorded = {one["record"] for file in rules for one in yaml.safe_load(file.read_text())["records"]}
    asked = set(_RECORDED.findall(expression))
    assert asked
    assert asked <= recorded
    assert not re.search(r"\b(kube|collectd|ceph)_", expression)


def test_names_are_those_that_people_write() -> None:
    assert resource_name("huawei_com_Ascend910") == "huawei.com/Ascend910"
    assert quota_name("requests.nvidia.com/gpu") == "nvidia.com/gpu"
    assert quota_name("limits.memory") == "memory limits"
    assert quota_name("fast.storageclass.storage.k8s.io/requests.storage") == "storage of class fast"
