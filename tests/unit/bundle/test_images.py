"""An image's layers are planned from the lock alone, and change exactly when what goes into them does."""

from __future__ import annotations

import pytest

from amalgam.bundle.build import bundle_contents
from amalgam.paths import project_root


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    return bundle_contents(project_root(), tmp_path_factory.mktemp("cache"), ["amd64", "arm64"])


def keys(contents, name, arch="amd64"):
    return [plan.key for plan in contents.images.plans(contents.components.images[name], arch)]


def test_images_share_the_layer_of_certificates_and_users(contents):
    assert keys(contents, "kube-apiserver")[0] == keys(contents, "etcd")[0]


def test_program_layers_differ_between_architectures(contents):
    assert keys(contents, "etcd")[-1] != keys(contents, "etcd", "arm64")[-1]


def test_each_program_of_an_image_has_a_layer_of_its_own(contents):
    plans = contents.images.plans(contents.components.images["etcd"], "amd64")
    assert [plan.programs for plan in plans if plan.programs] == [("etcd",), ("etcdctl",), ("etcdutl",)]


def test_an_image_starts_by_name_as_the_kubelets_static_pods_do(contents):
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"):
        run = contents.images.run_config(contents.components.images[name])
        assert run.entrypoint == [name]
        assert contents.components.images[name].programs[name] == f"usr/local/bin/{name}"


def test_every_image_says_its_version_and_licence(contents):
    for image in contents.components.images.values():
        labels = contents.images.run_config(image).labels
        assert labels["org.opencontainers.image.version"] == contents.lock.version(image.component)
        assert labels["org.opencontainers.image.licenses"]


def test_the_module_folders_files_carry_the_links_of_the_image(contents):
    image = contents.components.images["agnhost"]
    entries = {entry.path: entry.link for entry in contents.images._module_entries(image)}
    assert entries["usr/bin/sh"] == "busybox"
