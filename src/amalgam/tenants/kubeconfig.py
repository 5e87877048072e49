"""A kubeconfig for one member: a certificate of the cluster's own authority that names them, and nobody's rights.

What its bearer may do follows from the member's roles alone. A certificate cannot be taken back, so that it ends;
before that, a member is taken out of tenants.yml.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from amalgam.errors import AmalgamError

SIGNER = "kubernetes.io/kube-apiserver-client"
_PATIENCE_SECONDS = 30.0
_REMEDY = "name the administrator's kubeconfig in KUBECONFIG, and see that its cluster answers"

Sign = Callable[[bytes, str, int], bytes]
"""Certificate (PEM) for a request (PEM) of a user, for so many seconds."""


def kubeconfig(administrators: Path, user: str, vc: str, days: int, sign: Sign) -> str:
    """The text of a kubeconfig that reaches the administrator's cluster as ``user``, in the namespace ``vc``.

    Raises:
        AmalgamError: the administrator's file cannot be read, or names no cluster.
    """
    name, cluster = _cluster(administrators)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    certificate = sign(request.public_bytes(Encoding.PEM), user, days * 86400)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    person = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(private)}
    context = f"{user}@{name}"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": person}],
        "contexts": [{"name": context, "context": {"cluster": name, "user": user, "namespace": vc}}],
        "current-context": context,
    }
    return yaml.safe_dump(content, sort_keys=False)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _cluster(administrators: Path) -> tuple[str, dict[str, Any]]:
    """Name of the cluster of the file's present context, and how it is reached, its authority in place of a path."""
    try:
        content = yaml.safe_load(administrators.read_text(encoding="utf-8"))
        (context,) = (one for one in content["contexts"] if one["name"] == content["current-context"])
        (found,) = (one for one in content["clusters"] if one["name"] == context["context"]["cluster"])
        cluster = dict(found["cluster"])
        if authority := cluster.pop("certificate-authority", None):
            cluster["certificate-authority-data"] = _base64((administrators.parent / authority).read_bytes())
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise AmalgamError(
            f"cannot be read as a kubeconfig: {error}", where=str(administrators), remedy=_REMEDY
        ) from error
    return found["name"], cluster


def sign_by_cluster(administrators: Path) -> Sign:
    """Has the cluster sign: asks, approves as its administrator, fetches, and leaves no request behind.

    Raises:
        AmalgamError: the file leads to no cluster.
    """
    # Takes half a second, and what only reads the site's files does without.
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    def sign(request: bytes, user: str, seconds: int) -> bytes:
        name = f"member-{secrets.token_hex(8)}"
        spec = {
            "request": _base64(request),
            "signerName": SIGNER,
            "usages": ["client auth"],
            "expirationSeconds": seconds,
        }
        try:
            config.load_kube_config(str(administrators))
            api = client.CertificatesV1Api()
            body: Any = {"metadata": {"name": name}, "spec": spec}
            asked = api.create_certificate_signing_request(body)
            try:
                return _approved(api, asked, user)
            finally:
                api.delete_certificate_signing_request(name)
        except (config.ConfigException, client.ApiException, HTTPError, OSError) as error:
            reason = str(getattr(error, "reason", None) or error).strip()
            raise AmalgamError(
                f"the cluster signs nothing: {reason}", where=str(administrators), remedy=_REMEDY
            ) from error

    return sign


def _approved(api: Any, asked: Any, user: str) -> bytes:  # noqa: ANN401 - the client's own, without types
    """The certificate, once the cluster's own signer has made it."""
    condition = {"type": "Approved", "status": "True", "reason": "Member", "message": f"{user} is a member of a VC"}
    name = asked.metadata.name
    body = {"metadata": {"name": name, "resourceVersion": asked.metadata.resource_version}}
    spec = api.api_client.sanitize_for_serialization(asked.spec)
    api.replace_certificate_signing_request_approval(
        name, {**body, "spec": spec, "status": {"conditions": [condition]}}
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        status = api.read_certificate_signing_request(name).status
        if status.certificate:
            return base64.b64decode(status.certificate)
        time.sleep(0.2)
    remedy = "see that the controller manager has the authority's key (--cluster-signing-key-file)"
    raise AmalgamError(f"no certificate after {_PATIENCE_SECONDS:.0f} s", where=f"request {name}", remedy=remedy)
