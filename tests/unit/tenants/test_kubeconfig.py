"""A member's kubeconfig names them and nobody's groups, and reaches the administrator's cluster."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from amalgam.errors import AmalgamError
from amalgam.tenants.kubeconfig import SIGNER, kubeconfig, sign_by_cluster


@pytest.fixture
def administrators(tmp_path: Path) -> Path:
    (tmp_path / "ca.crt").write_text("PEM")
    content = {
        "current-context": "admin@site",
        "contexts": [
            {"name": "other", "context": {"cluster": "other", "user": "admin"}},
            {"name": "admin@site", "context": {"cluster": "site", "user": "admin"}},
        ],
        "clusters": [
            {"name": "other", "cluster": {"server": "https://other"}},
            {"name": "site", "cluster": {"server": "https://site:6443", "certificate-authority": "ca.crt"}},
        ],
        "users": [{"name": "admin", "user": {"token": "canary"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file


def _signed(request: bytes, *_: object) -> bytes:
    """A certificate for the key of the request, as an authority would make it."""
    asked, key = x509.load_pem_x509_csr(request), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(asked.subject, asked.subject, asked.public_key(), 1, now, now)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_it_has_the_members_name_a_key_of_their_own_and_nothing_of_the_administrators(administrators: Path) -> None:
    text = kubeconfig(administrators, "bob", "vision", 7, _signed)
    assert "canary" not in text
    found = yaml.safe_load(text)
    (cluster,), (user,), (context,) = (found[part] for part in ("clusters", "users", "contexts"))
    assert cluster["cluster"] == {
        "server": "https://site:6443",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
    }
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"], "namespace": "vision"}
    assert found["current-context"] == context["name"]
    data = {name: base64.b64decode(value) for name, value in user["user"].items()}
    certificate = x509.load_pem_x509_certificate(data["client-certificate-data"])
    # No organisation: that would be a group.
    assert certificate.subject.rfc4514_string() == "CN=bob"
    key, form = load_pem_private_key(data["client-key-data"], None), (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("contexts: []\n")
    for file in ("file", "absent"):
        with pytest.raises(AmalgamError, match="cannot be read as a kubeconfig"):
            kubeconfig(tmp_path / file, "bob", "vision", 7, _signed)


class _Api:
    """The part of the API server that signs, when it was told to."""

    def __init__(self) -> None:
        self.api_client = kubernetes.client.ApiClient()
        self.requests: dict[str, Any] = {}
        self.seen: list[Any] = []

    def create_certificate_signing_request(self, body: Any) -> Any:
        self.seen.append(body["spec"])
        metadata = SimpleNamespace(name=body["metadata"]["name"], resource_version="7")
        spec = kubernetes.client.V1CertificateSigningRequestSpec(request=body["spec"]["request"], signer_name=SIGNER)
        made = SimpleNamespace(metadata=metadata, spec=spec, status=SimpleNamespace(certificate=None))
        self.requests[metadata.name] = made
        return made

    def replace_certificate_signing_request_approval(self, name: str, body: Any) -> None:
        assert body["spec"]["signerName"] == SIGNER
        assert [one["type"] for one in body["status"]["conditions"]] == ["Approved"]
        self.requests[name].status.certificate = base64.b64encode(b"certificate").decode()

    def read_certificate_signing_request(self, name: str) -> Any:
        return self.requests[name]

    def delete_certificate_signing_request(self, name: str) -> None:
        del self.requests[name]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> _Api:
    found = _Api()
    monkeypatch.setattr(kubernetes.config, "load_kube_config", lambda _: None)
    monkeypatch.setattr(kubernetes.client, "CertificatesV1Api", lambda: found)
    return found


def test_the_cluster_signs_for_a_client_and_no_request_stays(api: _Api) -> None:
    assert sign_by_cluster(Path("admin"))(b"request", "bob", 3600) == b"certificate"
    (asked,) = api.seen
    assert (asked["signerName"], asked["usages"], asked["expirationSeconds"]) == (SIGNER, ["client auth"], 3600)
    assert api.requests == {}


def test_a_cluster_that_signs_nothing_is_told_and_no_request_stays(api: _Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amalgam.tenants.kubeconfig._PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(api, "replace_certificate_signing_request_approval", lambda *_: None)
    with pytest.raises(AmalgamError, match="no certificate after"):
        sign_by_cluster(Path("admin"))(b"request", "bob", 3600)
    assert api.requests == {}
