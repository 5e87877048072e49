"""The cases of ``tests/promtool``: a file a topic, in promtool's words."""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.alerting.programs import ROOT

CASES: dict[str, dict[str, Any]] = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "tests" / "promtool").glob("*.yml"))
}
ALERT_CASES: dict[tuple[str, str, str], dict[str, Any]] = {
    (topic, alert, kind): case
    for topic, content in CASES.items()
    for alert, kinds in (content.get("alerts") or {}).items()
    for kind, case in kinds.items()
}
"""By topic, alert and kind, which begins with ``fires`` or ``silent``."""
