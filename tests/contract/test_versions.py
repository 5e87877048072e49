"""What is used is said in versions/ and nowhere else.

Seen in every peer that was read: a version in a role's defaults, another in its documentation and a third in the list
of images to mirror; a default tag that does not exist; `latest`, which is another program every month.

Numbers that are not versions of something downloaded (forms of files, protocols, our own version) are in `NOT_A_PIN`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.contract.repository import files_below, text

SCANNED = (
    "roles",
    "playbooks",
    "inventories",
    "src",
    "plugins",
    "scripts",
    "Makefile",
    ".ci",
    "molecule",
    "ansible.cfg",
    "templates",
    "pulumi",
    ".config",
    "README.md",
    "docs",
)

# (file, text): why it is no pin.
NOT_A_PIN = {
    (
        "roles/registry/templates/etc/amalgam/registry.yml.j2",
        "version: 0.1",
    ): "the form of the registry's configuration",
    ("roles/harbor/tasks/verify.yml", "v2.0"): "the version of Harbor's API, in its paths",
    ("src/amalgam/harbor/client.py", "v2.0"): "the same",
    ("src/amalgam/lab/simulated_chips/install.py", "550.127.08"): "what simulated GPUs say their driver is",
    ("src/amalgam/lab/simulated_chips/install.py", "24.1.0"): "what simulated NPUs say their driver is",
    ("src/amalgam/lab/simulated_chips/install.py", "7.5.0.5.220"): "and their firmware",
    (
        "inventories/reference-heterogeneous/group_vars/all/ascend.yml",
        "version: 24.1",
    ): "an example of what a site carries over",
    ("inventories/reference-heterogeneous/group_vars/all/ascend.yml", "version: 7.5"): "the same",
    ("inventories/reference-heterogeneous/group_vars/all/ascend.yml", "v6.0.0"): "the same",
    ("src/amalgam/__init__.py", "0.1.0"): "our own version, where packaging reads it",
    ("src/amalgam/bundle/oci.py", "1.0.0"): "the form of an OCI layout, which the specification fixes",
}

# Two parts count where they are said to be a version; v1, v1beta4, v1alpha1 are versions of an API.
_VERSION = re.compile(
    r"""(?<![\w.-])v?\d+\.\d+\.\d+(?:[-+.][\w.]+)*  # 1.2.3, v1.2.3-rc.0, and what turns out to be an address
      | (?<![\w.])v\d+\.\d+\b                       # v1.2
      | (?:\b|_)versions?["']?\s*[:=]+\s*["']?v?\d+\.\d+\b  # version: 1.2
      | [\w)]\s*(?:==|~=)\s*["']?\d+\.\d+\b           # name==1.2
    """,
    re.VERBOSE,
)
_MOVING = re.compile(r"\blatest\b|(?<=[:/@])(?:main|master|stable|edge|nightly)(?=[\"'\s,]|$)")
_URL = re.compile(r"https?://([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)[^\s\"'<>)]*")
_OWN_HOSTS = re.compile(r"(^127\.|^10\.88\.|\.(internal|example|invalid|test|local)$)")
# The name of a vocabulary of XML, which nobody fetches.
_NAMESPACES = frozenset({"http://www.w3.org/2000/svg"})
_TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
# Lines that tell a person where to read on.
_READ_ON = re.compile(r"^\s*(#|//|;|Documentation=)|\s#\s")


def _is_address(found: str) -> bool:
    try:
        IPv4Address(found.split("/")[0])
    except ValueError:
        return False
    return True


def _versions(content: str) -> list[str]:
    return [match[0] for match in _VERSION.finditer(content) if not _is_address(match[0])]


def _docstrings(content: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield ast.get_source_segment(content, node) or ""


def _without_prose(file: Path) -> str:
    """The content less what only people read."""
    content = text(file)
    if file.suffix == ".md":
        return ""
    if file.suffix == ".j2":
        content = _TEMPLATE_COMMENT.sub("", content)
    if file.suffix == ".py":
        for docstring in _docstrings(content):
            content = content.replace(docstring, "")
    return "\n".join(line for line in content.splitlines() if not _READ_ON.search(line))


def _scanned() -> list[Path]:
    found = files_below(*SCANNED)
    assert {file.parts[0] for file in found} == set(SCANNED)
    return found


def test_versions_are_written_in_versions_only() -> None:
    found = {(str(file), version) for file in _scanned() for version in _versions(text(file))}
    assert sorted(found - set(NOT_A_PIN)) == []


def test_the_list_of_exceptions_has_none_that_is_gone() -> None:
    found = {(str(file), version) for file in _scanned() for version in _versions(text(file))}
    assert sorted(set(NOT_A_PIN) - found) == []


def test_nothing_moves_by_itself() -> None:
    assert [f"{file}: {match[0]}" for file in _scanned() for match in _MOVING.finditer(_without_prose(file))] == []


def test_nothing_is_downloaded_from_an_address_outside_versions() -> None:
    found = [
        f"{file}: {match[0]}"
        for file in _scanned()
        for match in _URL.finditer(_without_prose(file))
        if match[0] not in _NAMESPACES and not _OWN_HOSTS.search(match[1])
    ]
    assert not found


@pytest.mark.parametrize(
    "content",
    [
        "image: pause:3.10.2",
        "go1 = 'v1.26'",
        "containerd_version: 2.4",
        "ansible-core==2.19",
        "tag v1.2.3-rc.1",
        "1.2.3.4.5",
    ],
)
def test_a_version_is_seen(content: str) -> None:
    assert _versions(content)


@pytest.mark.parametrize(
    "content",
    [
        "10.88.0.11",
        "10.0.0.0/8",
        "TLSv1.2",
        "kubeadm.k8s.io/v1beta4",
        "apiVersion: v1",
        "version = 3",
        "wait 2.5 s",
        "::1",
        "127.0.0.1:6444",
    ],
)
def test_what_is_no_version_is_left_alone(content: str) -> None:
    assert not _versions(content)


@pytest.mark.parametrize("content", ["image: x:latest", "state: latest", "ref: x@main", "nginx:stable"])
def test_a_moving_name_is_seen(content: str) -> None:
    assert _MOVING.search(content)
