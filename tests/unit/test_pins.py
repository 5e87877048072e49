"""The one reader of the lock says what is used, and refuses a lock that is not in its form."""

from __future__ import annotations

import re

import pytest
import yaml

from amalgam.errors import AmalgamError
from amalgam.pins import LOCK_FILE, load_lock

LOCK = """\
schema: 1
inputs: {}
toolchain: {}
components:
  kubernetes: {version: 9.8.7, licence: Apache-2.0, programs: [kubelet]}
images:
  kube-apiserver: {repository: kubernetes/kube-apiserver, tag: v9.8.7}
charts: {}
wheels: {}
debian: {}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "versions").mkdir()
    (tmp_path / LOCK_FILE).write_text(LOCK)
    return tmp_path


def changed(root, old, new):
    (root / LOCK_FILE).write_text(LOCK.replace(old, new))
    with pytest.raises(AmalgamError) as caught:
        load_lock(root)
    assert "amalgam lock update" in caught.value.remedy
    assert str(root / LOCK_FILE) in caught.value.where
    return caught.value.what


def test_versions_and_images_are_found_by_name(root):
    lock = load_lock(root)
    assert lock.version("kubernetes") == "9.8.7"
    assert lock.versions() == {"kubernetes": "9.8.7"}
    assert lock.image("kube-apiserver").repository == "kubernetes/kube-apiserver"
    assert lock.image("kube-apiserver").tag == "v9.8.7"


def test_a_name_that_the_lock_lacks_is_answered_with_those_it_has(root):
    lock = load_lock(root)
    with pytest.raises(AmalgamError, match="no component 'kubernetse'") as caught:
        lock.version("kubernetse")
    assert "kubernetes" in caught.value.remedy
    with pytest.raises(AmalgamError, match="no image 'etcd'"):
        lock.image("etcd")


def test_the_digest_is_that_of_the_file(root):
    before = load_lock(root).digest()
    (root / LOCK_FILE).write_text(LOCK + "# note\n")
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    assert load_lock(root).digest() != before


def test_an_unknown_key_is_refused_by_name(root):
    assert "components.kubernetes.versoin" in changed(root, "version: 9.8.7,", "version: 9.8.7, versoin: 1,")


def test_a_number_where_text_belongs_is_refused(root):
    assert "components.kubernetes.version" in changed(root, "version: 9.8.7", "version: 9.8")


def test_a_lock_in_a_later_form_is_refused(root):
    assert "schema" in changed(root, "schema: 1", "schema: 2")


def test_a_lock_that_is_not_yaml_is_refused(root):
    assert "not YAML" in changed(root, "schema: 1", "schema: [")


def test_a_missing_lock_is_refused(tmp_path):
    with pytest.raises(AmalgamError, match="the lock is missing"):
        load_lock(tmp_path)


def test_the_lock_is_read_by_the_loader_that_is_in_c(monkeypatch):
    """Every run of Ansible reads it, and the other loader takes twenty times as long."""
    monkeypatch.delattr(yaml, "SafeLoader")
    monkeypatch.delattr(yaml, "Loader")
    assert load_lock().components
