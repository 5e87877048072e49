"""Hosts whose exporters Prometheus reads, in the form of its file_sd."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def target_files(
    targets: Sequence[Mapping[str, Any]], port: int, labels: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Job → content of the file with its targets, each host by its gateway's ``port``.

    Args:
        targets: each a job and its hosts with name and address.
        port: of the gateways.
        labels: job → labels that all its targets have.
    """
    return {target["job"]: json.dumps(_groups(target, port, labels), indent=1) + "\n" for target in targets}


def _groups(target: Mapping[str, Any], port: int, labels: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    own = labels.get(target["job"], {})
    return [
        {"targets": [f"{host['address']}:{port}"], "labels": {"node": host["name"], "instance": host["name"], **own}}
        for host in target["hosts"]
    ]
