"""The image layout is what the OCI specification says, and the same bytes each time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from amalgam.bundle.oci import REF_NAME, Blobs, Layer, RunConfig, add_image, add_index, layout_files

RUN = RunConfig(["kube-apiserver"], [], "65532:65532", "/", {"a": "b"})


def layer(name):
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Layer(Path(name), digest, 10, f"sha256:{digest}", name)


def image(arches=("amd64", "arm64")):
    blobs = Blobs()
    manifests = [add_image(blobs, arch, [layer("base"), layer(f"program {arch}")], RUN) for arch in arches]
    return blobs, add_index(blobs, manifests, "kubernetes/kube-apiserver:v1")


def test_every_blob_lies_under_its_own_digest():
    blobs, _ = image()
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in blobs.data.items())


def test_one_reference_serves_every_architecture_built():
    blobs, top = image()
    assert top["annotations"][REF_NAME] == "kubernetes/kube-apiserver:v1"
    index = json.loads(blobs.data[top["digest"].removeprefix("sha256:")])
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    for entry in index["manifests"]:
        manifest = json.loads(blobs.data[entry["digest"].removeprefix("sha256:")])
        config = json.loads(blobs.data[manifest["config"]["digest"].removeprefix("sha256:")])
        assert config["architecture"] == entry["platform"]["architecture"]
        assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == len(config["history"])


def test_the_container_finds_its_program_by_name_and_runs_as_its_user():
    blobs, _ = image(["amd64"])
    config = next(json.loads(data) for data in blobs.data.values() if b"rootfs" in data)["config"]
    assert config["Entrypoint"] == ["kube-apiserver"]
    assert config["User"] == "65532:65532"
    assert "/usr/local/bin" in config["Env"][0]


def test_the_same_image_gives_the_same_bytes():
    assert image()[0].data == image()[0].data
    assert layout_files([image()[1]]) == layout_files([image()[1]])
