"""The page of pins is typed: what is misspelt or stands for nothing is refused by name."""

from __future__ import annotations

import pytest
import yaml

from amalgam.bundle.components import COMPONENTS_FILE, DebianSet, load_components
from amalgam.errors import AmalgamError
from amalgam.paths import project_root


@pytest.fixture
def page(tmp_path):
    data = yaml.safe_load((project_root() / COMPONENTS_FILE).read_text())
    (tmp_path / "versions").mkdir()

    def load():
        (tmp_path / COMPONENTS_FILE).write_text(yaml.safe_dump(data))
        return load_components(tmp_path)

    return data, load


def refusal(load):
    with pytest.raises(AmalgamError) as caught:
        load()
    return caught.value.what


def test_a_version_is_written_once_and_filled_in_everywhere(page):
    data, load = page
    data["components"]["kubernetes"]["version"] = "7.8.9"
    components = load()
    source = components.components["kubernetes"].go
    assert source.modules == {"k8s.io/kubernetes": "v7.8.9"}
    assert source.replace["k8s.io/api"] == "k8s.io/api v0.8.9"
    assert source.stamps["k8s.io/component-base/version.gitMinor"] == "8"
    assert components.images["kube-apiserver"].tag == "v7.8.9"


def test_an_unknown_key_is_refused_by_its_path(page):
    data, load = page
    data["images"]["pause"]["entrypiont"] = []
    assert "images.pause.entrypiont" in refusal(load)


def test_a_program_that_no_component_makes_is_refused(page):
    data, load = page
    data["archives"]["kubernetes-node"]["programs"]["kubectll"] = "usr/local/bin/kubectll"
    assert "no component makes the program kubectll" in refusal(load)


def test_an_image_of_an_unknown_component_is_refused(page):
    data, load = page
    data["images"]["pause"]["component"] = "paws"
    assert "no component is named paws" in refusal(load)


def test_an_image_on_an_unknown_debian_set_is_refused(page):
    data, load = page
    data["images"]["cilium"]["debian"] = "nothing"
    assert "no Debian set is named nothing" in refusal(load)


def test_one_program_from_two_components_is_refused(page):
    data, load = page
    data["components"]["crane"]["go"]["programs"]["helm"] = {"package": "x"}
    assert "program helm is made by" in refusal(load)


def test_a_component_without_a_source_is_refused(page):
    data, load = page
    del data["components"]["crane"]["go"]
    assert "exactly one of `go` and `c`" in refusal(load)


def test_every_component_says_under_which_licence_it_comes():
    assert all(entry.licence for entry in load_components(project_root()).components.values())


def test_a_package_may_be_wanted_for_one_architecture():
    wish = DebianSet(packages=["everywhere", "here [amd64]", "both [amd64 arm64]"])
    assert wish.wanted("amd64") == ["everywhere", "here", "both"]
    assert wish.wanted("arm64") == ["everywhere", "both"]
