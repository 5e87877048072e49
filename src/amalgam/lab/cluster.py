"""What the lab's API server says of the nodes, where there is one: for people who look at the lab."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from amalgam.bundle.host import host_arch
from amalgam.lab.names import Names

ANSWER_SECONDS = 5.0
"""How long it may take to answer: whoever looks at the lab does not wait for a cluster that is down."""


@dataclass(frozen=True)
class Member:
    """A host as the cluster sees it."""

    version: str
    state: str
    """``Ready``, ``NotReady`` or ``Unknown``; with ``SchedulingDisabled`` where no pod is to come."""


def members(names: Names) -> dict[str, Member] | None:
    """The cluster's nodes by name; none where the site is not installed, None where its API does not answer."""
    if not names.kubeconfig.is_file():
        return {}
    kubectl = names.folder / "bundle" / "files" / host_arch() / "kubectl"
    asked = ["--kubeconfig", str(names.kubeconfig), "--request-timeout", f"{ANSWER_SECONDS:.0f}s"]
    # Its own place would be the user's home, where it outlives the lab.
    asked += ["--cache-dir", str(names.folder / "kubectl")]
    try:
        done = subprocess.run(
            [kubectl, *asked, "get", "nodes", "--output", "json"],
            capture_output=True,
            timeout=ANSWER_SECONDS + 1,
            check=True,
        )
        return {node["metadata"]["name"]: _member(node) for node in json.loads(done.stdout)["items"]}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _member(node: dict[str, Any]) -> Member:
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions", [])}
    state = {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")
    if node["spec"].get("unschedulable"):
        state += ",SchedulingDisabled"
    return Member(node["status"]["nodeInfo"]["kubeletVersion"], state)
