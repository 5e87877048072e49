from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from amalgam.errors import AmalgamError
from amalgam.registry.source import find_source

_LAYER = b"what a layer holds"
_CONFIGURATION = json.dumps({"rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(_LAYER).hexdigest()}"]}}).encode()
_CONFIG = f"{hashlib.sha256(_CONFIGURATION).hexdigest()}.json"
_SAVED: dict[str, Any] = {
    "manifest.json": [{"Config": _CONFIG, "RepoTags": ["x:1", "x:2"], "Layers": ["one/layer.tar"]}],
    _CONFIG: _CONFIGURATION,
    "one/layer.tar": _LAYER,
}


def _archive(path: Path, files: dict[str, Any]) -> str:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return str(path)


def _index(*names: str) -> dict[str, Any]:
    return {"manifests": [{"annotations": {"org.opencontainers.image.ref.name": name}} for name in names]}


def test_a_folder_with_one_image_is_a_layout(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [{}]}))
    assert str(find_source(str(tmp_path))) == f"oci:{tmp_path}"


def test_of_several_images_one_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps(_index("a:1", "b:1")))
    assert str(find_source(str(tmp_path), "b:1")) == f"oci:{tmp_path}:b:1"
    with pytest.raises(AmalgamError, match="there are 2 images") as refusal:
        find_source(str(tmp_path))
    assert "a:1, b:1" in refusal.value.remedy
    with pytest.raises(AmalgamError, match="there is no image c:1"):
        find_source(str(tmp_path), "c:1")


@pytest.mark.parametrize("layer", [_LAYER, gzip.compress(_LAYER)], ids=["unpacked", "packed"])
def test_an_archive_of_docker_s_older_form_gets_its_digests_with_the_upload(tmp_path: Path, layer: bytes) -> None:
    path = _archive(tmp_path / "saved.tar", _SAVED | {"one/layer.tar": layer})
    source = find_source(path)
    assert str(source) == f"docker-archive:{path}"
    assert not source.keeps_digest


@pytest.mark.parametrize("name", [_CONFIG, "one/layer.tar"])
def test_an_archive_of_docker_s_form_of_which_a_part_is_damaged_or_missing_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(AmalgamError, match=f"{name} is damaged"):
        find_source(_archive(tmp_path / "saved.tar", _SAVED | {name: _SAVED[name].upper()}))
    with pytest.raises(AmalgamError, match=f"{name} is missing"):
        find_source(_archive(tmp_path / "part.tar", {key: value for key, value in _SAVED.items() if key != name}))


def test_an_archive_that_is_a_layout_too_is_read_as_one(tmp_path: Path) -> None:
    path = _archive(tmp_path / "saved.tar", {"manifest.json": [{}], "./index.json": _index("x:1")})
    source = find_source(path)
    assert str(source) == f"oci-archive:{path}"
    assert source.keeps_digest


@pytest.mark.parametrize("name", ["mirror.example.internal/team/image:1", "mirror:5000/image:1"])
def test_a_name_with_a_host_is_another_registry_s(name: str) -> None:
    assert str(find_source(name)) == f"docker://{name}"
    assert str(find_source(f"docker://{name}")) == f"docker://{name}"


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(b"no archive" * 100)
    other = _archive(tmp_path / "other.tar", {"readme": {}})
    (tmp_path / "folder").mkdir()
    for source, reason in {
        "nonsense": "no such file or folder",
        str(damaged): "cannot be read",
        other: "none of images",
        str(tmp_path / "folder"): "no OCI layout",
    }.items():
        with pytest.raises(AmalgamError, match=reason) as refusal:
            find_source(source)
        assert refusal.value.remedy
