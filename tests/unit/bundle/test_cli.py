"""The commands say what they found to people and to machines, and their exit codes mean it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from amalgam.cli import bundle, lock
from amalgam.errors import AmalgamError

run = CliRunner().invoke


def test_verify_answers_good_with_zero(small_bundle):
    result = run(
        bundle.app, ["verify", str(small_bundle.path), "--allowed-signers", str(small_bundle.signers), "--json"]
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["good"] is True
    assert json.loads(result.stdout)["files"] == 2


def test_verify_answers_bad_with_one_and_the_artifacts_name(small_bundle):
    (small_bundle.path / "files/amd64/runc").write_bytes(b"Runc")
    options = ["verify", str(small_bundle.path), "--allowed-signers", str(small_bundle.signers)]
    result = run(bundle.app, [*options, "--json"])
    assert result.exit_code == 1
    assert "artifact runc" in json.loads(result.stdout)["what"]
    plain = run(bundle.app, options)
    assert isinstance(plain.exception, AmalgamError)


def test_verify_takes_no_trust_by_default(small_bundle):
    result = run(bundle.app, ["verify", str(small_bundle.path)])
    assert result.exit_code == 2


def test_verify_asks_the_site_who_may_sign(small_bundle, tmp_path):
    folder = tmp_path / "site" / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "bundle.yml").write_text(f"bundle_allowed_signers: {small_bundle.signers}\n")
    result = run(bundle.app, ["verify", str(small_bundle.path), "--inventory", str(tmp_path / "site")])
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "good")


def test_list_shows_what_the_manifest_says(small_bundle):
    result = run(bundle.app, ["list", str(small_bundle.path)])
    assert "kubelet" in result.stdout
    found = json.loads(run(bundle.app, ["list", str(small_bundle.path), "--json"]).stdout)
    assert [entry["name"] for entry in found["artifacts"]] == ["kubelet", "runc"]


@pytest.mark.parametrize("arguments", [["build", "--arch", "riscv64"], ["build", "--arch", "all"]])
def test_an_unknown_architecture_is_a_usage_error(arguments):
    result = run(bundle.app, arguments)
    assert result.exit_code == 2


def test_lock_check_prints_the_versions_for_machines():
    found = json.loads(run(lock.app, ["check", "--json"]).stdout)
    assert len(found["digest"]) == 64
    assert set(found["versions"]) >= {"kubernetes", "containerd", "cilium"}
