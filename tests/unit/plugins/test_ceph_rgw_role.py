"""What the role ``ceph_rgw`` asks of the gateway, which a script stands in for: who reaches buckets from a browser."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import ROOT, Played

TEMPLATES = ROOT / "roles" / "ceph_rgw" / "templates"
SCRIPT = TEMPLATES / "usr/local/libexec/amalgam/ceph-rgw-datasets-apply"
CURL = """#!/bin/sh
for option; do case $option in DELETE) method=DELETE ;; PUT) method=PUT ;; http*) url=$option ;; esac; done
echo "$method $url" >>"$TOLD"
[ "$method" = PUT ] && {{ cat >>"$TOLD"; echo >>"$TOLD"; exit 0; }}
printf {status}
[ {status} -lt 400 ] || exit 22
"""


@pytest.fixture
def cors(tmp_path: Path, play: Callable[..., Played]) -> Callable[..., Path]:
    """The file with the rule for these origins."""

    def render(*origins: str) -> Path:
        arguments = {"src": str(TEMPLATES / "etc/amalgam/ceph_rgw/cors.xml.j2"), "dest": str(tmp_path / "cors.xml")}
        variables = {"ceph_rgw_cors_origins": list(origins)}
        run = play([{"ansible.builtin.template": arguments}], vars=variables, gather_facts=False)
        assert run.rc == 0, run.output
        return tmp_path / "cors.xml"

    return render


def test_without_origins_there_is_no_rule(cors: Callable) -> None:
    assert cors().read_bytes() == b""


def test_the_pages_named_may_do_what_an_upload_needs(cors: Callable) -> None:
    origins = ["https://portal.example.internal", "https://a&b"]

    (rule,) = ET.fromstring(cors(*origins).read_text())

    said = {kind: [one.text for one in rule.findall(kind)] for kind in ("AllowedOrigin", "ExposeHeader")}
    assert said == {"AllowedOrigin": origins, "ExposeHeader": ["ETag", "x-amz-version-id"]}
    assert {"PUT", "POST"} <= {one.text for one in rule.findall("AllowedMethod")}


@pytest.fixture
def apply(tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Describe one bucket to a gateway that answers ``status`` when a rule is removed; how it ended, what was asked."""

    def run(rule: str, status: int = 204) -> tuple[int, list[str]]:
        (tmp_path / "told").unlink(missing_ok=True)
        files = {"accounts": "", "buckets": "datasets-vision 1024 {}\n", "cors.xml": rule}
        files |= {"gateway.env": "GATEWAY=https://objects.test\n", "owner.curl": ""}
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        programs = {"curl": CURL.format(status=status), "ceph": "#!/bin/sh\necho {}\n"}
        for name, script in (programs | {"radosgw-admin": "#!/bin/sh\necho []\n"}).items():
            (tmp_path / name).write_text(script)
            (tmp_path / name).chmod(0o755)
        script = tmp_path / "apply"
        script.write_text(SCRIPT.read_text().replace("cd /etc/amalgam/ceph_rgw", f"cd {tmp_path}"))
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TOLD": str(tmp_path / "told")}
        ended = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)
        told = tmp_path / "told"
        return ended.returncode, told.read_text().splitlines() if told.exists() else []

    return run


def test_a_bucket_gets_the_rule(apply: Callable) -> None:
    ended, told = apply("<CORSConfiguration/>")

    assert ended == 0
    place = told.index("PUT https://objects.test/datasets-vision?cors=")
    assert told[place + 1] == "<CORSConfiguration/>"


@pytest.mark.parametrize(("status", "ended"), [(204, 0), (404, 0), (500, 1)])
def test_a_rule_that_is_wanted_no_more_is_removed(apply: Callable, status: int, ended: int) -> None:
    code, told = apply("", status)

    assert (code != 0) == (ended != 0)
    assert told[-1] == "DELETE https://objects.test/datasets-vision?cors="
