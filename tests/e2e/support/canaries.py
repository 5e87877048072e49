"""The real secrets of a site as canaries: found anywhere they should not be, they are a leak."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from amalgam.ceph_keys import ceph_key, s3_secret_key
from tests.e2e.support.checkout import program
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import run_local

_SHORTEST = 16
_CEPH_ENTITIES = (
    "mon.",
    "client.admin",
    "client.bootstrap-osd",
    "client.common",
    "client.manager.volumes",
    "mgr.stor1",
)
_S3_ACCOUNTS = ("datasets", "datasets-vision-member", "datasets-nlp-manager")
_PUBLIC_MARK = "-----BEGIN CERTIFICATE-----"
# A release that Helm keeps, and what a token for joining is for.
_TOLD_OPENLY = (".release", ".auth-extra-groups", ".description", ".expiration")
_PIECE = 64


@dataclass(frozen=True)
class Canary:
    """One form in which one secret may turn up."""

    name: str
    text: str


def canaries(state_dir: Path) -> list[Canary]:
    """Every secret of a site, as it is and in base64; of a key in several lines each, and a piece of the whole."""
    vault = ["view", "--vault-password-file", str(state_dir / "vault-password"), str(state_dir / "secrets.yml")]
    secrets = yaml.safe_load(run_local([program("ansible-vault"), *vault]).stdout)
    password = (state_dir / "vault-password").read_text().strip()
    found = [form for name, secret in _leaves("", secrets) for form in _forms(name, secret)]
    found += _forms("vault password", password)
    found += [
        form for account in _S3_ACCOUNTS for form in _forms(account, s3_secret_key(secrets["ceph_key_secret"], account))
    ]
    found += [
        form for entity in _CEPH_ENTITIES for form in _forms(entity, ceph_key(secrets["ceph_key_secret"], entity))
    ]
    passphrase = state_dir / "pulumi" / "passphrase"
    if passphrase.exists():
        found += _forms("passphrase of Pulumi", passphrase.read_text().strip())
    assert len({canary.name for canary in found}) > 3, f"hardly any secret in {state_dir}/secrets.yml: {found}"
    return found


def cluster_canaries(cluster: Cluster) -> list[Canary]:
    """What the cluster made itself: the keys of its authorities, its administrator's, and all in its Secrets."""
    found = [form for name, key in _keys_of_kubeadm(cluster) for form in _forms(name, key)]
    for secret in cluster.get("secrets --all-namespaces")["items"]:
        place = f"Secret {secret['metadata']['namespace']}/{secret['metadata']['name']}"
        data = {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}
        told = [(name, value) for name, value in _leaves(place, data) if not name.endswith(_TOLD_OPENLY)]
        found += [form for name, value in told for form in _forms(name, value)]
    return found


def _keys_of_kubeadm(cluster: Cluster) -> Iterator[tuple[str, str]]:
    files = "/etc/kubernetes/pki/*.key /etc/kubernetes/pki/etcd/*.key"
    shown = cluster.control_plane.run(f"for file in {files}; do echo $file $(base64 --wrap 0 $file); done").stdout
    for file, encoded in (line.split() for line in shown.splitlines()):
        yield file, base64.b64decode(encoded).decode()
    for user in yaml.safe_load(cluster.control_plane.run("cat /etc/kubernetes/admin.conf").stdout)["users"]:
        yield f"key of {user['name']}", base64.b64decode(user["user"]["client-key-data"]).decode()


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{name}[{index}]", inner)
    elif isinstance(value, str) and _PUBLIC_MARK not in value:
        yield name, value


def _forms(name: str, secret: str) -> list[Canary]:
    lines = [line.strip() for line in secret.splitlines() if not line.startswith("-----")]
    forms = {form for line in lines if len(line) >= _SHORTEST for form in (line, _base64(line))}
    if len(lines) > 1:
        # As kubeconfigs and Secrets have it: from its first byte, which is the same for every key.
        forms.add(base64.b64encode(secret.encode()).decode()[2 * _PIECE : 3 * _PIECE])
    return [Canary(name, form) for form in sorted(forms)]


def _base64(text: str) -> str:
    # The last characters depend on what follows in a longer text.
    return base64.b64encode(text.encode()).decode().rstrip("=")[:-2]


def leaks(text: str, wanted: Iterable[Canary]) -> list[str]:
    """Names of the secrets that occur in a text. The secrets themselves are never part of a message."""
    return sorted({canary.name for canary in wanted if canary.text in text})
