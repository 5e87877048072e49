from __future__ import annotations

import tomllib

from amalgam.models.mirrors import Mirror
from amalgam.registry.hosts import hosts_files

OWN = "registry.example.internal:5000"
FOLDER = "etc/containerd/certs.d"


def test_the_site_s_registry_is_trusted_by_the_site_s_authority() -> None:
    assert tomllib.loads(hosts_files(OWN, [])[f"{FOLDER}/{OWN}/hosts.toml"]) == {
        "server": f"https://{OWN}",
        "capabilities": ["pull", "resolve"],
        "ca": "/etc/amalgam/pki/ca.crt",
    }


def test_a_mirror_stands_for_the_registry_and_brings_its_own_authority() -> None:
    mirror = Mirror(registry="images.example.org", endpoint="https://mirror.example.internal", ca_certificate="PEM")
    files = hosts_files(OWN, [mirror])
    assert files[f"{FOLDER}/images.example.org/ca.crt"] == "PEM"
    assert tomllib.loads(files[f"{FOLDER}/images.example.org/hosts.toml"]) == {
        "server": "https://mirror.example.internal",
        "capabilities": ["pull", "resolve"],
        "ca": f"/{FOLDER}/images.example.org/ca.crt",
    }


def test_a_proxy_project_is_asked_below_its_path() -> None:
    mirror = Mirror(registry="images.example.org", endpoint="https://mirror.example.internal/v2/proxy")
    settings = tomllib.loads(hosts_files(OWN, [mirror])[f"{FOLDER}/images.example.org/hosts.toml"])
    assert settings["server"] == "https://mirror.example.internal/v2/proxy"
    assert settings["override_path"] is True
