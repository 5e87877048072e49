"""When the site's own certificates end, as rules: the run that puts them in place knows it; no host is asked."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from cryptography import x509

from amalgam.errors import AmalgamError

RECORD = "amalgam_certificate_expiry_timestamp_seconds"


def expiry_rules(certificates: Mapping[str, str]) -> str:
    """A file of rules that say when each of ``certificates`` (name → PEM) ends.

    Raises:
        AmalgamError: one of them is no certificate.
    """
    rules = [
        {"record": RECORD, "expr": f"vector({_end(name, pem)})", "labels": {"certificate": name}}
        for name, pem in sorted(certificates.items())
    ]
    return yaml.safe_dump({"groups": [{"name": "certificates", "rules": rules}]}, sort_keys=False)


def _end(name: str, pem: str) -> int:
    try:
        return int(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp())
    except ValueError as error:
        remedy = "give the certificate alone, in PEM"
        raise AmalgamError(f"no certificate: {error}", where=f"certificate {name}", remedy=remedy) from None
