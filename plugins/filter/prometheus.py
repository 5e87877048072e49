"""Filters of the role ``prometheus``: a shim over :mod:`amalgam.monitoring`.

Sites' values come as JSON: those of Ansible's own mappings are there only once a template asks for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from amalgam.monitoring.alerts import check_alerts, rule_files
from amalgam.monitoring.certificates import expiry_rules
from amalgam.monitoring.expected import expected_rules
from amalgam.monitoring.server import check_server
from amalgam.monitoring.targets import target_files


def prometheus_rule_files(alerts: str, runbooks_url: str) -> dict[str, str]:
    """Name → content of each file of rules."""
    return rule_files(json.loads(alerts), str(runbooks_url))


def prometheus_target_files(targets: str, port: int, labels: dict[str, dict[str, str]]) -> dict[str, str]:
    """Job → content of its file of targets; ``labels`` are those of all targets of a job."""
    return target_files(json.loads(targets), int(port), labels)


def prometheus_certificate_rules(certificates: str) -> str:
    """The file of rules that say when certificates end."""
    return expiry_rules(json.loads(certificates))


def prometheus_expected_rules(targets: str, nodes: str) -> str:
    """The file of rules that name what there has to be by the inventory."""
    return expected_rules(json.loads(targets), json.loads(nodes))


def prometheus_alert_problems(alerts: str) -> list[str]:
    """What is wrong with a site's alerts."""
    return [str(problem) for problem in check_alerts(json.loads(alerts))]


def prometheus_server_problems(settings: str) -> list[str]:
    """What is wrong with intervals and retention."""
    return [str(problem) for problem in check_server(json.loads(settings))]


class FilterModule:
    """Ansible's way to find the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function: ``alerts | to_json | prometheus_rule_files(url)`` and so on."""
        return {
            "prometheus_rule_files": prometheus_rule_files,
            "prometheus_target_files": prometheus_target_files,
            "prometheus_certificate_rules": prometheus_certificate_rules,
            "prometheus_expected_rules": prometheus_expected_rules,
            "prometheus_alert_problems": prometheus_alert_problems,
            "prometheus_server_problems": prometheus_server_problems,
        }
