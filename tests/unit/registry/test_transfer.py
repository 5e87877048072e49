"""What is asked of skopeo, which a script stands in for: an image arrives with the digest that its source has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.registry.credentials import Credentials
from amalgam.registry.reference import parse
from amalgam.registry.source import Source
from amalgam.registry.transfer import own_source, transfer

LOGIN = Credentials(registry="registry.test:5000", user="alice", password="word", ca_certificate="PEM")
TRAINER = parse("vision/trainer:1.0")
LAYOUT = Source("oci", "/images/trainer", keeps_digest=True)
MANIFEST = '{"schemaVersion": 2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"

SKOPEO = r"""#!/bin/sh
echo "$@" >>"{told}"
[ "$1" = inspect ] && {{ printf '%s' '{manifest}'; exit {inspected}; }}
for option; do case $option in --digestfile=*) printf '%s\n' '{digest}' >"${{option#*=}}" ;; esac; done
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each line how skopeo was called; it copies well."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    skopeo(tmp_path)
    return tmp_path / "told"


def skopeo(folder: Path, *, digest: str = DIGEST, inspected: int = 0) -> None:
    """Put the stand-in there."""
    script = SKOPEO.format(told=folder / "told", manifest=MANIFEST, digest=digest, inspected=inspected)
    (folder / "skopeo").write_text(script)
    (folder / "skopeo").chmod(0o755)


def calls(told: Path) -> list[list[str]]:
    """The arguments of each call."""
    return [line.split() for line in told.read_text().splitlines()]


def test_an_image_is_copied_whole_and_keeps_the_digest_of_its_source(told: Path) -> None:
    assert transfer(LAYOUT, TRAINER, LOGIN) == DIGEST

    inspect, copy = calls(told)
    assert inspect == ["inspect", "--raw", "oci:/images/trainer"]
    assert {"--all", "--preserve-digests"} <= set(copy)
    assert copy[-2:] == ["oci:/images/trainer", "docker://registry.test:5000/vision/trainer:1.0"]
    assert "word" not in told.read_text()


def test_another_digest_than_the_sources_is_no_success(tmp_path: Path, told: Path) -> None:
    skopeo(tmp_path, digest="sha256:other")

    with pytest.raises(AmalgamError, match=f"has the digest sha256:other, and its source had {DIGEST}"):
        transfer(LAYOUT, TRAINER, LOGIN)
    assert len(calls(told)) == 2


def test_a_source_that_cannot_be_read_is_not_copied(tmp_path: Path, told: Path) -> None:
    skopeo(tmp_path, inspected=1)

    with pytest.raises(AmalgamError, match="the image was not copied"):
        transfer(LAYOUT, TRAINER, LOGIN)
    assert len(calls(told)) == 1


def test_an_archive_without_digests_has_those_that_come_with_the_upload(tmp_path: Path, told: Path) -> None:
    skopeo(tmp_path, digest="sha256:new")

    assert transfer(Source("docker-archive", "image.tar", keeps_digest=False), TRAINER, LOGIN) == "sha256:new"

    (copy,) = calls(told)
    assert "--preserve-digests" not in copy


@pytest.mark.parametrize("own", [True, False], ids=["here", "another registry"])
def test_each_registry_is_asked_with_the_login_for_it(tmp_path: Path, told: Path, own: bool) -> None:
    other = Source("docker", "//hub.test/trainer:1.0", keeps_digest=True)
    login = tmp_path / "auth.json"

    transfer(own_source(TRAINER, LOGIN) if own else other, TRAINER, LOGIN, source_auth_file=login)

    inspect, copy = calls(told)
    authfiles = [option.partition("=")[2] for option in copy if "authfile=" in option]
    asked = next(option.partition("=")[2] for option in inspect if option.startswith("--authfile="))
    assert asked == (authfiles[0] if own else str(login))
    assert authfiles == ([authfiles[0]] * 2 if own else [authfiles[0], str(login)])
