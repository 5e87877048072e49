"""A pinned upstream release comes before building, and only with its own checksum. How the rest is linked."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile

import pytest

from amalgam.bundle.components import load_components
from amalgam.bundle.fetch import Fetcher
from amalgam.bundle.programs import Programs
from amalgam.bundle.store import Store
from amalgam.bundle.toolchain import run_tool
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.pins import ReleasePin, load_lock

TOOL = b"#!/bin/true\n"


def tar_of(data):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("linux-amd64/crane")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def programs(tmp_path):
    """Programs with ``crane`` pinned to the release given."""

    def with_release(pin):
        lock = load_lock()
        crane = lock.components["crane"].model_copy(update={"releases": {"crane": {"amd64": pin}}})
        changed = lock.model_copy(update={"components": {**lock.components, "crane": crane}})

        def no_sysroot(*_):
            raise AssertionError("a release needs no sysroot")

        return Programs(
            tmp_path,
            tmp_path,
            Store(tmp_path / "made"),
            Fetcher(tmp_path / "downloads"),
            load_components(project_root()),
            changed,
            "amd64",
            no_sysroot,
        )

    return with_release


def pin_of(server, data, member="", name="crane"):
    server.files[name] = data
    return ReleasePin(url=f"{server.url}/{name}", sha256=hashlib.sha256(data).hexdigest(), member=member)


def test_a_release_with_the_right_checksum_is_taken(programs, file_server):
    made = programs(pin_of(file_server, TOOL)).get("crane", "amd64")
    assert made.path.read_bytes() == TOOL
    assert made.path.stat().st_mode & 0o111
    assert "release" in made.facts["source"]


def test_a_program_inside_a_release_tar_is_taken_out(programs, file_server):
    pin = pin_of(file_server, tar_of(TOOL), member="linux-amd64/crane")
    assert programs(pin).get("crane", "amd64").path.read_bytes() == TOOL


def test_a_release_with_another_checksum_is_refused_by_name(programs, file_server):
    pin = pin_of(file_server, TOOL)
    file_server.files["crane"] = b"something else"
    with pytest.raises(AmalgamError, match="crane has another checksum"):
        programs(pin).get("crane", "amd64")


def test_another_release_is_another_key(programs, file_server):
    one = programs(pin_of(file_server, TOOL)).key("crane", "amd64")
    two = programs(pin_of(file_server, TOOL + b"2", name="crane2")).key("crane", "amd64")
    assert one != two


@pytest.mark.parametrize(
    ("name", "program", "linked"),
    [("runc", "runc", "-extldflags -static"), ("nvidia-container-toolkit", "nvidia-ctk", "-extldflags -Wl,-z,lazy")],
)
def test_only_a_program_that_loads_its_hosts_libraries_is_linked_with_the_c_library(
    programs, file_server, monkeypatch, tmp_path, name, program, linked
) -> None:
    calls = []
    monkeypatch.setattr(Programs, "_run_go", lambda _, arguments, *rest: calls.append((arguments, rest[-1])) or "")
    monkeypatch.setattr(Programs, "_modules", lambda *_: [])
    made = dataclasses.replace(programs(pin_of(file_server, TOOL)), sysroot=lambda *_: tmp_path)
    made._go(program, name, made.components.components[name], "arm64", tmp_path / program)
    ((arguments, environment),) = calls
    assert arguments[arguments.index("-ldflags") + 1].endswith(linked)
    assert environment["CC"] == "aarch64-linux-gnu-gcc"
    assert ("PKG_CONFIG_SYSROOT_DIR" in environment) is (name == "runc")


def test_a_tool_that_fails_is_told_of_in_its_own_words(tmp_path):
    told = {"failed": "building it failed", "where": "here", "remedy": "mend it"}
    with pytest.raises(AmalgamError, match="building it failed: no such thing") as caught:
        run_tool(["sh", "-c", "echo no such thing >&2; exit 3"], **told)
    assert (caught.value.where, caught.value.remedy) == ("here", "mend it")
    said = run_tool(["sh", "-c", "pwd; echo $WORD"], folder=tmp_path, environment={"WORD": "word"}, **told)
    assert said == f"{tmp_path}\nword\n"


@pytest.mark.parametrize(
    ("program", "downloads", "compiles"),
    [("kubectl", True, True), ("runc", True, False), ("victoria-logs", True, False), ("pause", False, False)],
)
def test_what_can_be_done_before_a_program_is_made_is_listed_by_the_flags_it_is_built_with(
    programs, file_server, monkeypatch, tmp_path, program, downloads, compiles
):
    made = programs(pin_of(file_server, TOOL))
    monkeypatch.setitem(made.__dict__, "go", tmp_path / "go")
    calls = [made.listing(program, "arm64", compiled=compiled) for compiled in (False, True)]
    assert [call is not None for call in calls] == [downloads, compiles]
    if compiles:
        built = []
        monkeypatch.setattr(Programs, "_run_go", lambda _, arguments, *__: built.append(arguments) or "")
        monkeypatch.setattr(Programs, "_modules", lambda *_: [])
        name = made.owner(program)
        made._go(program, name, made.components.components[name], "arm64", tmp_path / program)
        flags = [one for one in built[0][1:-1] if one in calls[1].command]
        assert flags == ["-mod=readonly", "-trimpath", "-tags", calls[1].command[-2]]
        assert calls[1].environment["GOARCH"] == "arm64"


def test_a_program_of_an_upstream_release_has_nothing_to_be_compiled(programs, file_server):
    assert programs(pin_of(file_server, TOOL)).listing("crane", "amd64", compiled=True) is None
