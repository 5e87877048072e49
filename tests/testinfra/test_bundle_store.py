"""The bundle server holds what hosts ask for of the controller's bundle, whole and nothing else."""

from __future__ import annotations

import hashlib
import json

from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts

ROOT = "/srv/amalgam/bundle"
PARTS = ("archives", "charts", "debian", "images")


def _wanted(host: Host) -> list[dict[str, str]]:
    """What the manifest there says of those parts."""
    artifacts = json.loads(host.check_output(f"cat {ROOT}/manifest.json"))["artifacts"]
    return [artifact for artifact in artifacts if artifact["path"].partition("/")[0] in PARTS]


def test_the_manifest_is_the_controllers(bundle_host: Host, facts: SiteFacts) -> None:
    ours = (facts.site.bundle_path / "manifest.json").read_bytes()
    theirs = bundle_host.check_output(f"sha256sum {ROOT}/manifest.json").split()[0]
    assert theirs == hashlib.sha256(ours).hexdigest()


def test_every_file_is_what_the_manifest_says(bundle_host: Host) -> None:
    wanted = _wanted(bundle_host)
    assert {artifact["path"].partition("/")[0] for artifact in wanted} == set(PARTS)
    program = (
        f"import json; [print(a['sha256'], '', a['path']) for a in json.load(open('manifest.json'))['artifacts'] "
        f"if a['path'].partition('/')[0] in {PARTS}]"
    )
    checked = bundle_host.run(f'cd {ROOT} && python3 -c "{program}" | sha256sum --check --quiet --strict')
    assert checked.rc == 0, checked.stdout + checked.stderr


def test_nothing_is_kept_but_the_bundle_and_the_record_of_its_checks(bundle_host: Host) -> None:
    files = set(bundle_host.check_output(f"cd {ROOT} && find . -type f -printf '%P\\n'").splitlines())
    assert files - {artifact["path"] for artifact in _wanted(bundle_host)} <= {
        "manifest.json",
        "manifest.json.sig",
        ".verified.json",
    }
