"""The bundle of both architectures is whole, signed, and holds the same for one as for the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amalgam.bundle.manifest import Artifact, read_manifest
from amalgam.bundle.signing import allowed_signers
from amalgam.paths import config_dir
from amalgam.pins import load_lock
from tests.contract.test_lock import ARCHITECTURES, ONE_ARCHITECTURE
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.nodes import run_local

NEEDS_NODES = False

pytestmark = pytest.mark.timeout(3600)


def _is_for(artifact: Artifact, arch: str) -> bool:
    # A Debian package for all architectures lies in the repository of each.
    return artifact.arch == arch or artifact.path.startswith(f"debian/{arch}/")


def _held(artifacts: list[Artifact], arch: str) -> set[tuple[str, str]]:
    """Kind and name of what the bundle has for an architecture, images apart: theirs share layers."""
    own = (artifact for artifact in artifacts if artifact.kind != "image" and _is_for(artifact, arch))
    return {(artifact.kind, artifact.name.replace(arch, "ARCH")) for artifact in own}


def test_every_byte_of_it_is_the_one_that_was_signed(bundle: Path) -> None:
    signers = str(allowed_signers(config_dir()))
    run_local([program("amalgam"), "bundle", "verify", str(bundle), "--allowed-signers", signers], seconds=900)


def test_one_architecture_has_what_the_other_has_but_for_the_exceptions_with_a_reason(bundle: Path) -> None:
    artifacts = read_manifest(bundle).artifacts
    amd64, arm64 = (_held(artifacts, arch) for arch in ("amd64", "arm64"))

    assert {"file", "archive", "deb", "wheel", "index"} <= {kind for kind, _ in amd64 & arm64}
    excused = {("deb", name.removeprefix("debian ")) for name in ONE_ARCHITECTURE}
    assert (amd64 ^ arm64) - excused == set()


def test_every_image_has_a_manifest_for_each_architecture_made_of_the_same_parts(bundle: Path) -> None:
    layout = bundle / "images"

    def blob(digest: str) -> Any:
        return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())

    tops = json.loads((layout / "index.json").read_text())["manifests"]
    names = {top["annotations"]["org.opencontainers.image.ref.name"] for top in tops}
    assert names == {f"{pin.repository}:{pin.tag}" for pin in load_lock().images.values()}
    for top in tops:
        manifests = blob(top["digest"])["manifests"]
        assert {one["platform"]["architecture"] for one in manifests} == ARCHITECTURES
        parts = [[step["created_by"] for step in _history(blob, one["digest"])] for one in manifests]
        assert parts[0]
        assert parts[0] == parts[1]


def test_a_controller_without_package_registries_is_made_of_it_as_the_docs_say(bundle: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "site-engineer.md").read_text()
    recipe = text[text.index("python3 -m venv") :].partition("```")[0].replace("<bundle>", str(bundle))
    run_local(["git", "clone", "--quiet", str(ROOT), str(tmp_path / "checkout")])
    script = f"cd {tmp_path / 'checkout'} && {recipe.strip().replace(chr(10), ' && ')}"
    # In a network without anything: nothing is downloaded.
    run_local(["unshare", "--net", "sh", "-c", script], seconds=900)
    made = tmp_path / "checkout" / ".venv" / "bin"
    run_local([str(made / "amalgam"), "site", "check", "-i", str(ROOT / "inventories" / "reference-gpu")])
    run_local([str(made / "ansible-playbook"), "--version"])


def _history(blob: Any, digest: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = blob(blob(digest)["config"]["digest"])["history"]
    return found
