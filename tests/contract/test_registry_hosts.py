"""Where packages come from is the machine's own configuration, never ours.

Seen in most peers: the addresses of registries in templates and scripts, which a site behind a mirror has to patch,
and which an air-gapped host asks for ever. Clients (apt, pip, go) are run with their configured defaults, nodes with
the bundle's.
"""

from __future__ import annotations

import re

import pytest

from tests.contract.repository import files, text

# Labels, joined below: the names must not be in the repository, this file included.
_LABELS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("proxy", "golang", "org"),
    ("sum", "golang", "org"),
    ("goproxy", "io"),
    ("goproxy", "cn"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("crates", "io"),
    ("maven", "org"),
    ("maven", "apache", "org"),
    ("rubygems", "org"),
    ("deb", "debian", "org"),
    ("security", "debian", "org"),
    ("snapshot", "debian", "org"),
    ("ftp", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("docker", "io"),
    ("hub", "docker", "com"),
    ("download", "docker", "com"),
    ("quay", "io"),
    ("gcr", "io"),
    ("ghcr", "io"),
    ("registry", "k8s", "io"),
    ("pkgs", "k8s", "io"),
    ("dl", "k8s", "io"),
    ("mcr", "microsoft", "com"),
    ("galaxy", "ansible", "com"),
)
_HOSTS = [".".join(labels) for labels in _LABELS]
_HOST = re.compile(r"(?<![\w-])(" + "|".join(re.escape(host) for host in _HOSTS) + r")(?![\w-]|\.\w)", re.IGNORECASE)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert len(files()) > 100
    assert [f"{file}: {match[0]}" for file in files() for match in _HOST.finditer(text(file))] == []


@pytest.mark.parametrize("host", _HOSTS)
def test_a_registry_is_seen(host: str) -> None:
    assert _HOST.search(f"see https://{host}/simple for more")
    assert _HOST.search(f"image: sub.{host}/a/b")
    assert not _HOST.search(f"not{host}")
