"""site_prepare in real plays. The hosts' addresses lead nowhere: a task that needed a host would fail."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from amalgam.bundle.manifest import Artifact, Manifest
from amalgam.bundle.signing import allowed_signers, sign, signing_key
from amalgam.pins import load_lock
from amalgam.secrets import prepare_secrets
from tests.fixtures.sites import invalid_site, valid_site

CERTIFICATES = [{"name": "bundle-server", "dns": ["bundle.{{ site_domain }}"], "addresses": ["192.0.2.31"]}]
# What a later play sees goes to a file: a play's output is what must not have it.
WRITE_FACTS = {
    "ansible.builtin.copy": {
        "dest": "{{ inventory_dir }}/../facts-{{ inventory_hostname }}.json",
        "content": "{{ {'secrets': ansible_facts.site_secrets, 'bundle': ansible_facts.site_bundle, "
        "'projects': ansible_facts.site_registry_projects} | to_json }}",
    },
    "check_mode": False,
    "diff": False,
    "connection": "local",
    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "ansible_become": False},
    "no_log": True,
}
PLAYS = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [{"site_prepare": {"certificates": CERTIFICATES}, "run_once": True}],
    },
    {"hosts": "gpu2:stor1", "gather_facts": False, "tasks": [WRITE_FACTS]},
]


@dataclass(frozen=True)
class Run:
    """What ansible-playbook said."""

    rc: int
    output: str


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The heterogeneous site; its bundle and state lie beside it in ``tmp_path``."""
    folder = valid_site("heterogeneous", tmp_path / "site")
    own_folders(folder)
    return folder


def own_folders(site: Path) -> None:
    bundle = {"bundle_path": "{{ inventory_dir }}/../bundle", "bundle_allowed_signers": str(signers(site))}
    (site / "group_vars" / "all" / "bundle.yml").write_text(yaml.safe_dump(bundle))
    settings = site / "group_vars" / "all" / "site.yml"
    state = yaml.safe_load(settings.read_text()) | {"site_state_dir": "{{ inventory_dir }}/../state"}
    settings.write_text(yaml.safe_dump(state))


def signers(site: Path) -> Path:
    return allowed_signers(site.parent / "config")


def make_bundle(site: Path, arches: tuple[str, ...] = ("amd64", "arm64"), lock_digest: str | None = None) -> None:
    """A signed bundle of one small archive for each architecture."""
    bundle = site.parent / "bundle"
    artifacts = []
    for arch in arches:
        path = f"archives/{arch}/node.tar.gz"
        (bundle / path).parent.mkdir(parents=True)
        content = f"node {arch}".encode()
        (bundle / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        fields = {"name": "node", "version": "1", "arch": arch, "kind": "archive", "source": "test"}
        artifacts.append(Artifact.model_validate({**fields, "path": path, "sha256": digest, "size": len(content)}))
    manifest = Manifest(
        schema=1,
        lock_digest=lock_digest or load_lock().digest(),
        arches=list(arches),
        created_from={},
        artifacts=artifacts,
    )
    (bundle / "manifest.json").write_text(manifest.to_json())
    sign(bundle / "manifest.json", signing_key(site.parent / "config"))


@pytest.fixture
def play(tmp_path: Path, ansible_process: subprocess.Popen) -> Callable[..., Run]:
    """Run the plays on a site with everything printed that Ansible can print."""

    def run(site: Path, *options: str) -> Run:
        playbook, output = tmp_path / "play.yml", tmp_path / "play.log"
        playbook.write_text(yaml.safe_dump(PLAYS, sort_keys=False))
        arguments = ["-i", str(site), str(playbook), "-vvvv", "--diff", *options]
        asked = {"folder": str(tmp_path), "output": str(output), "arguments": arguments}
        ansible_process.stdin.write(json.dumps(asked) + "\n")
        ansible_process.stdin.flush()
        return Run(int(ansible_process.stdout.readline()), output.read_text())

    return run


def facts(site: Path, host: str) -> dict:
    return json.loads((site.parent / f"facts-{host}.json").read_text())


def test_every_host_of_a_later_play_has_the_secrets_and_the_bundles_checksums(site: Path, play: Callable) -> None:
    make_bundle(site)

    run = play(site)

    assert run.rc == 0, run.output
    known = prepare_secrets(site.parent / "state", "mixed").secrets
    for host in ("gpu2", "stor1"):
        found = facts(site, host)
        assert found["secrets"]["registry_push_password"] == known.registry_push_password
        assert found["secrets"]["ca_certificate"] == known.site_ca.certificate
        assert found["secrets"]["certificates"]["bundle-server"]["key"] == known.certificates["bundle-server"].key
        assert found["bundle"]["architectures"] == ["amd64", "arm64"]
        assert found["bundle"]["archives"]["arm64"] == {"node": hashlib.sha256(b"node arm64").hexdigest()}


def test_projects_of_the_registry_have_the_members_of_their_vcs_and_all_have_passwords(
    site: Path, play: Callable
) -> None:
    make_bundle(site)
    project = {"name": "pictures", "members": [{"user": "ci", "role": "developer"}]}
    vc = {"name": "vision", "quota": {}, "members": {"carol": "viewer"}, "registry_projects": ["pictures"]}
    tenants = {"tenants_organisations": [{"name": "institute", "quota": {}, "vcs": [vc]}]}
    for name, content in {"registry": {"registry_projects": [project]}, "tenants": tenants}.items():
        (site / "group_vars" / "all" / f"{name}.yml").write_text(yaml.safe_dump(content))

    run = play(site)

    assert run.rc == 0, run.output
    found = facts(site, "stor1")
    (known,) = found["projects"]
    members = {member["user"]: member["role"] for member in known["members"]}
    assert members == {"ci": "developer", "vc-vision": "guest", "carol": "guest"}
    assert found["secrets"]["registry_passwords"].keys() == members.keys()


def test_no_secret_is_printed_at_the_highest_verbosity_and_the_authoritys_key_stays_here(
    site: Path, play: Callable
) -> None:
    make_bundle(site)
    output = play(site).output

    secrets = prepare_secrets(site.parent / "state", "mixed").secrets
    canaries = [secrets.registry_push_password, secrets.registry_http_secret, secrets.encryption_at_rest_key]
    canaries += [secrets.kubeadm_certificate_key, (site.parent / "state" / "vault-password").read_text().strip()]
    canaries += [secrets.site_ca.key.splitlines()[1], secrets.certificates["bundle-server"].key.splitlines()[1]]
    assert [canary for canary in canaries if canary in output] == []
    assert secrets.site_ca.key.splitlines()[1] not in json.dumps(facts(site, "stor1"))


def test_a_second_run_changes_nothing(site: Path, play: Callable) -> None:
    make_bundle(site)
    assert play(site).rc == 0
    before = (site.parent / "state" / "secrets.yml").read_bytes()

    assert "changed=0" in play(site).output.partition("PLAY RECAP")[2].partition("\n")[2].splitlines()[0]
    assert (site.parent / "state" / "secrets.yml").read_bytes() == before


def test_check_mode_on_a_new_site_writes_nothing_and_has_secrets_all_the_same(site: Path, play: Callable) -> None:
    make_bundle(site)

    run = play(site, "--check")

    assert run.rc == 0, run.output
    assert not (site.parent / "state").exists()
    assert "PRIVATE KEY" in facts(site, "stor1")["secrets"]["certificates"]["bundle-server"]["key"]


def test_a_site_with_faults_is_refused_with_all_of_them_and_nothing_is_made(tmp_path: Path, play: Callable) -> None:
    site = invalid_site("unsupported-architecture", tmp_path / "site")
    own_folders(site)
    (site / "group_vars" / "all" / "more.yml").write_text("any_errors_fatal: true\n")
    make_bundle(site)

    run = play(site)

    assert run.rc != 0
    for part in ("unsupported-architecture", "hardware.yml:", "write arm64", "play-keyword-as-variable", "more.yml:1"):
        assert part in run.output
    assert not (tmp_path / "state").exists()


def test_a_bundle_without_an_architecture_of_the_site_is_refused(site: Path, play: Callable) -> None:
    make_bundle(site, ("amd64",))

    run = play(site)

    assert run.rc != 0
    assert "the bundle has nothing for arm64" in run.output
    assert "amalgam bundle build --arch amd64 --arch arm64" in run.output
    assert not (site.parent / "state").exists()


def test_a_bundle_whose_signature_is_gone_is_refused(site: Path, play: Callable) -> None:
    make_bundle(site)
    (site.parent / "bundle" / "manifest.json.sig").unlink()

    run = play(site)

    assert run.rc != 0
    assert "the signature is missing" in run.output


def test_a_bundle_of_another_lock_is_refused(site: Path, play: Callable) -> None:
    make_bundle(site, lock_digest="0" * 64)

    run = play(site)

    assert run.rc != 0
    assert "made from another versions/lock.yml" in run.output


def test_a_fact_cache_on_disk_is_refused(site: Path, plugin: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    module = plugin("action", "site_prepare")
    task = SimpleNamespace(args={}, async_val=0, check_mode=False, diff=False, environment=[])
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    action = module.ActionModule(task, connection, None, None, None, None)
    monkeypatch.setattr(module.constants, "CACHE_PLUGIN", "jsonfile")

    with pytest.raises(module.AnsibleActionFail, match="would write the site's secrets to disk"):
        action.run(task_vars={"inventory_dir": str(site)})
