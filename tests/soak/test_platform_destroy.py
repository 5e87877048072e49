"""The platform is taken away whole, with the words for its data alone, and comes back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from amalgam.tenants import labels
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.datasets import Keys
from tests.e2e.support.nodes import Done, Lab, run_local
from tests.e2e.support.pulumi import Stack, pulumi_environment

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("reach")]

VCS = "nlp vision"
_PROJECTS = ("platform", "tenants", "training")
_OURS = "priorityclasses,validatingadmissionpolicies,mutatingadmissionpolicies,clusterroles"


@pytest.fixture
def stacks(lab: Lab, cluster: Cluster, tmp_path: Path) -> Iterator[dict[str, Stack]]:
    """The site's own; it comes back afterwards."""
    variables = pulumi_environment(lab, tmp_path / "home")
    found = {name: Stack(ROOT / "pulumi" / name, variables, lab.site.settings.site_name) for name in _PROJECTS}
    yield found
    found["tenants"].run("config", "rm", "delete", "--stack", lab.site.settings.site_name, check=False)
    _platform(lab, lab.inventory, "up")
    assert sorted(_vcs(cluster)) == VCS.split()
    assert sorted(_claims(cluster)) == VCS.split()


def test_the_platform_goes_with_the_words_for_its_data_alone(
    lab: Lab, cluster: Cluster, stacks: dict[str, Stack], keys: Keys, dataset: str, tmp_path: Path
) -> None:
    site = lab.site.settings.site_name
    destroy = ("destroy", "--confirm", site)
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("kept")
    keys.run("upload", dataset, str(source))
    claims = _claims(cluster)
    assert len(claims) == len(VCS.split())

    refused = _platform(lab, lab.inventory, *destroy, check=False)
    assert (refused.rc, "protected" in refused.output) == (1, True), refused.output
    assert _claims(cluster) == claims

    # The word for the volumes of training, and none for the rest.
    stacks["training"].run("state", "unprotect", "--all", "--yes", "--stack", site)
    refused = _platform(lab, lab.inventory, *destroy, check=False)
    assert (refused.rc, "it holds data (part of the file system" in refused.output) == (1, True), refused.output
    assert "datasets of " in refused.output
    assert sorted(_vcs(cluster)) == VCS.split()

    stacks["tenants"].run("config", "set", "delete", VCS, "--stack", site)
    _platform(lab, _without_tenants(lab, tmp_path / "empty"), *destroy)
    assert _vcs(cluster) == []
    left = [name.split("/")[-1] for name in cluster.kubectl(f"get {_OURS} --output name").stdout.split()]
    assert [name for name in left if name.startswith(("vc-", "training-", "host-access"))] == []
    assert [urn for stack in stacks.values() for urn in _resources(stack)] == []

    keys.run("download", dataset, str(tmp_path / "back"))
    assert (tmp_path / "back" / "file").read_text() == "kept"


def _platform(lab: Lab, inventory: Path, *words: str, check: bool = True) -> Done:
    command = [program("amalgam"), "platform", *words, "--inventory", str(inventory)]
    return run_local(command, env={"KUBECONFIG": str(lab.names.kubeconfig)}, check=check, seconds=400)


def _without_tenants(lab: Lab, folder: Path) -> Path:
    """The site with nobody in it: a VC that goes with its data is taken out of the file."""
    shutil.copytree(lab.inventory, folder)
    variables = folder / "group_vars" / "all"
    for name in ("tenants", "training"):
        (variables / f"{name}.yml").unlink()
    # What lies beside the inventory stays where it is.
    for file in variables.glob("*.yml"):
        file.write_text(file.read_text().replace("{{ inventory_dir }}/../..", str(ROOT)))
    return folder


def _resources(stack: Stack) -> list[str]:
    exported = json.loads(stack.run("stack", "export", "--stack", stack.name).stdout)
    return [one["urn"] for one in exported["deployment"].get("resources") or []]


def _vcs(cluster: Cluster) -> list[str]:
    return [one["metadata"]["name"] for one in cluster.get(f"namespaces --selector {labels.VC}")["items"]]


def _claims(cluster: Cluster) -> dict[str, str]:
    """VC -> unique name of its volume for training."""
    found = cluster.get("persistentvolumeclaims --all-namespaces --field-selector metadata.name=training")["items"]
    return {one["metadata"]["namespace"]: one["metadata"]["uid"] for one in found}
