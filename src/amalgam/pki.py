"""The site's own certificate authority, and the certificates it issues to servers and clients.

ECDSA on P-256 throughout: what containerd, apt (GnuTLS), HAProxy, nginx and Kubernetes all take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from amalgam.errors import AmalgamError

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=365)
# Clocks of machines that were never set are behind: a certificate must not be from their future.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True)
class Credential:
    """A certificate and its private key, each as PEM. The key is left out when it is printed."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class ServerName:
    """What a certificate is for."""

    name: str
    """What the site calls it, and the certificate's common name."""
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    client: bool = False
    """Whether it is shown to servers. One that servers show is no proof of who asks, and the other way round."""

    @property
    def usage(self) -> x509.ObjectIdentifier:
        """What it may be shown as (RFC 5280 section 4.2.1.12)."""
        return ExtendedKeyUsageOID.CLIENT_AUTH if self.client else ExtendedKeyUsageOID.SERVER_AUTH


def make_authority(site_name: str, now: datetime | None = None) -> Credential:
    """A new authority for the site, which signs certificates of servers and clients and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has at most 64 characters (RFC 5280, appendix A.1); a site's may have 63.
    common_name = f"Amalgam authority of {site_name}"[:64]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, name, key.public_key(), now or datetime.now(UTC), CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return _credential(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Credential, server: ServerName, now: datetime | None = None) -> Credential:
    """A certificate of ``authority`` for TLS with the names and addresses of ``server``.

    Raises:
        AmalgamError: it has neither a name nor an address, one of its addresses is none, or the authority's time is up.
    """
    now = now or datetime.now(UTC)
    ca, ca_key = _certificate(authority), _key(authority)
    if ca.not_valid_after_utc <= now:
        raise AmalgamError(
            "the site's certificate authority has expired",
            where=f"valid until {ca.not_valid_after_utc:%Y-%m-%d}",
            remedy="rotate the authority",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server.name)])
    lifetime = min(SERVER_LIFETIME, ca.not_valid_after_utc - now)
    builder = (
        _builder(name, ca.subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([server.usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(server)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    return _credential(builder.sign(ca_key, hashes.SHA256()), key)


def is_current(credential: Credential, authority: Credential, server: ServerName, now: datetime | None = None) -> bool:
    """Whether ``credential`` can stay: issued by ``authority``, for ``server``, with a third of its time to go."""
    now = now or datetime.now(UTC)
    certificate = _certificate(credential)
    try:
        certificate.verify_directly_issued_by(_certificate(authority))
    except (InvalidSignature, ValueError):
        return False
    if _public_bytes(_key(credential).public_key()) != _public_bytes(certificate.public_key()):
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if set(names) != set(_alternative_names(server)) or list(usages) != [server.usage]:
        return False
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc - now >= lifetime / 3


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    # RFC 5280 section 4.2.1.3
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(server: ServerName) -> list[x509.GeneralName]:
    try:
        addresses = [x509.IPAddress(ip_address(address)) for address in server.addresses]
    except ValueError as error:
        raise AmalgamError(
            str(error), where=f"certificate {server.name}", remedy="give IP addresses as addresses, names as dns"
        ) from error
    names: list[x509.GeneralName] = [*(x509.DNSName(name) for name in server.dns), *addresses]
    if not names:
        raise AmalgamError(
            "a certificate for nothing",
            where=f"certificate {server.name}",
            remedy="give it at least one DNS name or address",
        )
    return names


def _credential(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Credential:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Credential(certificate.public_bytes(Encoding.PEM).decode(), pem.decode())


def _certificate(credential: Credential) -> x509.Certificate:
    return x509.load_pem_x509_certificate(credential.certificate.encode())


def _key(credential: Credential) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(credential.key.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AmalgamError("a key of another kind than ECDSA", where="the site's secrets", remedy="restore them")
    return key


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
