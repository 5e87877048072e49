"""Two hundred VCs: declared, looked at again and deleted by Pulumi, beside kubectl with the same objects."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from amalgam.bundle.host import host_arch
from tests.bench.report import Figure
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.pulumi import Stack, copied_inventory, pulumi_environment

COUNT = 200
UP, PREVIEW, DELETE, KUBECTL = 300.0, 30.0, 600.0, 60.0
_PREFIX = "bench-"
_SECONDS = 1800


def measure(lab: Lab, figures: list[Figure]) -> None:
    """Add the VCs to those that the lab has, and take them away again.

    Raises:
        AssertionError: a command failed; VCs may be left, and the next ``up`` of the lab's own data takes them away.
    """

    def timed(what: str, goal_seconds: float, objects: int, work: Callable[[], object]) -> None:
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        figures.append(Figure(what, seconds, goal_seconds, f"{objects} objects, {objects / seconds:.0f} a second"))

    with tempfile.TemporaryDirectory() as scratch:
        variables = pulumi_environment(lab, Path(scratch) / "home")
        stack = Stack(ROOT / "pulumi" / "tenants", variables, lab.site.settings.site_name)
        stack.run("stack", "select", "--create", stack.name)
        up = ["up", "--yes", "--skip-preview"]
        stack.configure(inventory=str(lab.inventory))
        stack.run(*up, seconds=_SECONDS)

        stack.configure(inventory=str(_inventory(lab, Path(scratch) / "many", COUNT)))
        began = len(_objects(stack))
        seconds = time.monotonic()
        stack.run(*up, seconds=_SECONDS)
        seconds = time.monotonic() - seconds
        objects = [one for one in _objects(stack) if _is_of_bench(one)]
        note = f"{len(objects)} objects, {len(objects) / seconds:.0f} a second; the stack had {began} before"
        figures.append(Figure(f"pulumi up, {COUNT} VCs", seconds, UP, note))
        preview = ["preview", "--expect-no-changes"]
        timed("pulumi preview, nothing to do", PREVIEW, len(objects), lambda: stack.run(*preview, seconds=_SECONDS))
        # What is granted is only taken back when those it was granted to are gone.
        stack.configure(inventory=str(_inventory(lab, Path(scratch) / "none", 0)))
        timed(f"pulumi up, {COUNT} VCs fewer", DELETE, len(objects), lambda: stack.run(*up, seconds=_SECONDS))
        stack.configure(inventory=str(lab.inventory))
        stack.run(*up)

        manifest = Path(scratch) / "objects.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        kubectl = str(lab.site.bundle_path / "files" / host_arch() / "kubectl")
        # What lies in a namespace goes with it.
        plain = [("apply", ["apply", "--server-side"], KUBECTL), ("delete", ["delete", "--ignore-not-found"], DELETE)]
        for verb, words, goal in plain:
            command = [kubectl, *words, "--filename", str(manifest)]
            timed(
                f"kubectl {verb}, the same objects",
                goal,
                len(objects),
                lambda command=command: run_local(command, env=variables, seconds=_SECONDS),  # type: ignore[misc]
            )


def _inventory(lab: Lab, folder: Path, count: int) -> Path:
    """A copy of the site's inventory whose first organisation has so many small VCs more, and a quota for many."""
    file = copied_inventory(lab, folder) / "tenants.yml"
    data = yaml.safe_load(file.read_text())
    organisation = data["tenants_organisations"][0]
    organisation["quota"] |= {"cpu": 1000, "memory": "1000Gi", "pods": 10000}
    organisation.setdefault("vcs", []).extend(
        {
            "name": f"{_PREFIX}{number}",
            "quota": {"cpu": 1, "memory": "1Gi", "pods": 10},
            "members": {f"user-{number}": "developer"},
        }
        for number in range(count)
    )
    file.write_text(yaml.safe_dump(data))
    return folder


def _objects(stack: Stack) -> list[dict[str, Any]]:
    """The Kubernetes objects of the stack as they were declared, in the order in which they were made."""
    resources = json.loads(stack.run("stack", "export").stdout)["deployment"].get("resources", [])
    return [one["inputs"] for one in resources if one["type"].startswith("kubernetes:") and "kind" in one["inputs"]]


def _is_of_bench(declared: dict[str, Any]) -> bool:
    metadata = declared["metadata"]
    return any(metadata.get(key, "").startswith(_PREFIX) for key in ("namespace", "name"))
