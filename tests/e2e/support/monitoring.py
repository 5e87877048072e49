"""Prometheus and Alertmanager of a lab, asked on their own host."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.e2e.support.nodes import Lab, Node


@dataclass(frozen=True)
class Monitoring:
    """The management host of a lab."""

    lab: Lab

    @property
    def host(self) -> Node:
        """It."""
        return self.lab.node(self.lab.members("management")[0])

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that ``expression`` gives now: ``metric`` with labels, ``value``."""
        arguments = urlencode({"query": expression})
        answer = self._get(f"http://127.0.0.1:9090/prometheus/api/v1/query?{arguments}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def alerts(self, name: str, **labels: str) -> list[dict[str, str]]:
        """Labels of the alerts of that name and these labels that fire now."""
        all_alerts = self._get("http://127.0.0.1:9090/prometheus/api/v1/alerts")["data"]["alerts"]
        wanted = {"alertname": name, **labels}.items()
        return [one["labels"] for one in all_alerts if one["state"] == "firing" and wanted <= one["labels"].items()]

    def told(self, **labels: str) -> set[tuple[str, str]]:
        """Alerts with these labels that Alertmanager has now: name, ``active`` or ``suppressed``."""
        all_alerts = self._get("http://127.0.0.1:9093/alertmanager/api/v2/alerts")
        wanted = labels.items()
        return {
            (one["labels"]["alertname"], one["status"]["state"])
            for one in all_alerts
            if wanted <= one["labels"].items()
        }

    def down_targets(self) -> list[str]:
        """What Prometheus cannot read, with the reason."""
        targets = self._get("http://127.0.0.1:9090/prometheus/api/v1/targets?state=active")["data"]["activeTargets"]
        return [f"{one['scrapeUrl']}: {one['lastError']}" for one in targets if one["health"] != "up"]

    def _get(self, url: str) -> Any:
        return json.loads(self.host.run(f"curl --silent --show-error --fail {shlex.quote(url)}").stdout)
