"""registry_images against a local HTTPS server that knows digests, with a crane that does what crane does to them."""

from __future__ import annotations

import json
import sys

import pytest

PASSWORD = "canary-registry-password"
CRANE = """#!{python}
import json, os, sys
log = {{"argv": sys.argv, "config": json.load(open(os.environ["DOCKER_CONFIG"] + "/config.json")),
        "config_mode": oct(os.stat(os.environ["DOCKER_CONFIG"]).st_mode & 0o777), "ca": os.environ["SSL_CERT_FILE"]}}
view = sys.argv[2]
index = json.load(open(view + "/index.json"))
log["digests"] = [entry["digest"] for entry in index["manifests"]]
log["blob"] = open(view + "/blobs/sha256/aa").read()
assert os.path.exists(view + "/oci-layout")
with open({log!r}, "a") as stream:
    stream.write(json.dumps(log) + "\\n")
sys.exit({code})
"""


@pytest.fixture
def site(server, call, tmp_path, monkeypatch):
    """A layout with two images, and a registry that answers with the digests in ``site.has``."""

    class Site:
        def __init__(self) -> None:
            self.digests = {"kubernetes/pause:3": "sha256:aa", "cilium/cilium:v1": "sha256:bb"}
            self.layout = tmp_path / "images"
            self.log = tmp_path / "crane.log"

        def has(self, reference: str, digest: str) -> None:
            repository, tag = reference.split(":")
            answer = (200, {"Docker-Content-Digest": digest}, b"")
            server.answers[("HEAD", f"/v2/{repository}/manifests/{tag}")] = answer

        def crane(self, code: int = 0) -> None:
            program = tmp_path / "bin/crane"
            program.parent.mkdir(exist_ok=True)
            program.write_text(CRANE.format(python=sys.executable, log=str(self.log), code=code))
            program.chmod(0o755)
            monkeypatch.setenv("PATH", str(program.parent), prepend=":")

        def run(self, *, check: bool = False, **arguments: object) -> dict:
            registry = {"registry": server.url.removeprefix("https://"), "ca_path": str(server.ca_path)}
            who = {"username": "push", "password": PASSWORD, "layout": str(self.layout), "images": None}
            return call("registry_images", registry | who | arguments, check=check)

        def pushes(self) -> list[dict]:
            return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    site = Site()
    blobs = site.layout / "blobs/sha256"
    blobs.mkdir(parents=True)
    (blobs / "aa").write_text("index of pause")
    (site.layout / "oci-layout").write_text("{}")
    entries = [
        {"digest": digest, "annotations": {"org.opencontainers.image.ref.name": reference}}
        for reference, digest in site.digests.items()
    ]
    (site.layout / "index.json").write_text(json.dumps({"manifests": entries}))
    return site


def test_nothing_is_pushed_when_the_registry_has_every_digest(site):
    for reference, digest in site.digests.items():
        site.has(reference, digest)
    assert site.run()["changed"] is False
    assert site.run(check=True)["pushed"] == []


def test_what_is_missing_or_different_is_pushed_alone_and_asked_for_again(site):
    site.crane()
    site.has("cilium/cilium:v1", "sha256:old")
    assert site.run(check=True)["pushed"] == list(site.digests)
    assert site.pushes() == []
    site.has("kubernetes/pause:3", "sha256:aa")
    refused = site.run()
    assert "cilium/cilium:v1 was pushed, but the registry has sha256:old instead of sha256:bb" in refused["msg"]
    (push,) = site.pushes()
    assert push["digests"] == ["sha256:bb"]
    assert push["argv"][1] == "push"
    assert push["argv"][3].endswith("/cilium/cilium:v1")


def test_credentials_travel_in_a_private_file_and_never_in_arguments_or_results(site, server):
    site.crane()
    result = site.run(images=["kubernetes/pause:3"])
    (push,) = site.pushes()
    assert push["config_mode"] == "0o700"
    assert list(push["config"]["auths"]) == [server.url.removeprefix("https://")]
    assert push["ca"] == str(server.ca_path)
    assert PASSWORD not in json.dumps(push["argv"]) + json.dumps(result)


def test_a_failed_push_names_the_image(site):
    site.crane(code=1)
    assert "pushing kubernetes/pause:3 failed (exit code 1)" in site.run()["msg"]


def test_a_refused_login_is_told_from_a_missing_image(site, server):
    server.answers[("HEAD", "/v2/kubernetes/pause/manifests/3")] = (401, {}, b"")
    assert "answers 401" in site.run()["msg"]


def test_a_registry_that_has_just_been_started_is_asked_again(site, server):
    for reference, digest in site.digests.items():
        site.has(reference, digest)

    class Starting(dict):
        def get(self, what, default=None):
            return (502, {}, b"") if len(server.asked) == 1 else super().get(what, default)

    server.answers = Starting(server.answers)
    assert site.run()["changed"] is False
    assert len(server.asked) == len(site.digests) + 1


def test_check_mode_predicts_where_nothing_is_there_yet(site, tmp_path):
    down = {"registry": "127.0.0.1:9", "images": ["kubernetes/pause:3"]}
    assert site.run(check=True, ca_path="/nowhere/ca.crt")["pushed"] == list(site.digests)
    assert site.run(check=True, **down)["pushed"] == ["kubernetes/pause:3"]
    assert site.run(check=True, layout=str(tmp_path / "none"))["changed"] is True
    assert "place the site's CA certificate first" in site.run(ca_path="/nowhere/ca.crt")["msg"]


def test_an_image_the_layout_lacks_is_named(site):
    assert "images: 'x/y:1' is not in" in site.run(images=["x/y:1"])["msg"].replace("x/y:1 is", "'x/y:1' is")
