"""The bundle server holds the controller's bundle, whole and nothing else."""

from __future__ import annotations

import hashlib
import json

from testinfra.host import Host

from tests.testinfra.site_facts import SiteFacts

ROOT = "/srv/amalgam/bundle"


def test_the_manifest_is_the_controllers(bundle_host: Host, facts: SiteFacts) -> None:
    ours = (facts.site.bundle_path / "manifest.json").read_bytes()
    theirs = bundle_host.check_output(f"sha256sum {ROOT}/manifest.json").split()[0]
    assert theirs == hashlib.sha256(ours).hexdigest()


def test_every_file_is_what_the_manifest_says(bundle_host: Host) -> None:
    artifacts = json.loads(bundle_host.check_output(f"cat {ROOT}/manifest.json"))["artifacts"]
    assert artifacts
    script = "import json; [print(a['sha256'], '', a['path']) for a in json.load(open('manifest.json'))['artifacts']]"
    checked = bundle_host.run(f'cd {ROOT} && python3 -c "{script}" | sha256sum --check --quiet --strict')
    assert checked.rc == 0, checked.stdout + checked.stderr


def test_nothing_is_kept_that_was_only_needed_on_the_way(bundle_host: Host) -> None:
    assert bundle_host.check_output(f"find {ROOT} -name '*.part' -o -name '*.tmp' -o -name '.*' -type f") == ""
