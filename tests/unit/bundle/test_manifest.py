"""A bundle is what its signer signed, or it is refused, and the artifact at fault is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from amalgam.bundle.manifest import MANIFEST, SIGNATURE, verify_bundle
from amalgam.bundle.signing import allowed_signers, sign, signing_key
from amalgam.errors import AmalgamError


def refusal(bundle, *, deep=True, signers=None):
    with pytest.raises(AmalgamError) as caught:
        verify_bundle(bundle.path, signers or bundle.signers, deep=deep)
    assert caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize("deep", [True, False])
def test_an_untouched_bundle_is_good(small_bundle, deep):
    manifest = verify_bundle(small_bundle.path, small_bundle.signers, deep=deep)
    assert [artifact.name for artifact in manifest.artifacts] == ["kubelet", "runc"]


@pytest.mark.parametrize("deep", [True, False])
def test_a_deleted_signature_is_refused(small_bundle, deep):
    (small_bundle.path / SIGNATURE).unlink()
    assert "signature is missing" in refusal(small_bundle, deep=deep)


def test_an_edited_file_is_refused_by_its_artifacts_name(small_bundle):
    (small_bundle.path / "files/amd64/kubelet").write_bytes(b"kubelet bytez")
    message = refusal(small_bundle)
    assert "artifact kubelet 1 (amd64) was changed" in message
    assert "files/amd64/kubelet" in message


def test_a_file_of_another_size_is_refused_without_reading_it(small_bundle):
    (small_bundle.path / "files/amd64/kubelet").write_bytes(b"longer than before")
    assert "artifact kubelet" in refusal(small_bundle, deep=False)


def test_an_extra_file_is_refused(small_bundle):
    (small_bundle.path / "files/amd64/backdoor").write_bytes(b"x")
    assert "files/amd64/backdoor: a file that the manifest does not list" in refusal(small_bundle, deep=False)


def test_a_missing_file_is_refused_by_its_artifacts_name(small_bundle):
    (small_bundle.path / "files/amd64/runc").unlink()
    assert "artifact runc is missing" in refusal(small_bundle, deep=False)


@pytest.mark.parametrize("name", ["files/amd64/kubelet", "files/amd64", SIGNATURE, MANIFEST])
def test_a_symbolic_link_is_refused_even_to_the_same_bytes(small_bundle, tmp_path, name):
    path = small_bundle.path / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "link" in refusal(small_bundle) or "missing" in refusal(small_bundle)


def test_an_edited_manifest_is_refused(small_bundle):
    path = small_bundle.path / MANIFEST
    data = json.loads(path.read_text())
    data["artifacts"][0]["version"] = "2"
    path.write_text(json.dumps(data))
    assert "signature does not fit" in refusal(small_bundle)


def test_a_bundle_signed_again_by_another_key_is_refused(small_bundle, tmp_path):
    (small_bundle.path / "files/amd64/kubelet").write_bytes(b"kubelet bytez")
    sign(small_bundle.path / MANIFEST, signing_key(tmp_path / "stranger"))
    assert "a key that this site does not allow" in refusal(small_bundle)


def test_trust_comes_from_the_site_and_nothing_in_the_bundle(small_bundle, tmp_path):
    signing_key(tmp_path / "stranger")
    assert "not allow" in refusal(small_bundle, signers=allowed_signers(tmp_path / "stranger"))
    assert "no file of allowed signers" in refusal(small_bundle, signers=tmp_path / "nowhere")


def test_a_signature_made_for_another_purpose_is_refused(small_bundle):
    path = small_bundle.path / MANIFEST
    (small_bundle.path / SIGNATURE).unlink()
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", small_bundle.key, "-n", "file", path]
    subprocess.run(command, check=True, capture_output=True)
    assert "signature does not fit" in refusal(small_bundle)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path):
    with pytest.raises(AmalgamError, match="manifest is missing"):
        verify_bundle(tmp_path, tmp_path / "signers", deep=False)


def test_the_private_key_is_for_its_owner_alone(small_bundle):
    assert small_bundle.key.stat().st_mode & 0o077 == 0
