"""Whether the certificates that a mail server is trusted by can be that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509

from amalgam.monitoring.problems import KeyPath, Problem


def authority_problems(pem: str, path: KeyPath) -> Iterator[Problem]:
    """What is wrong with ``pem``, one certificate or several, of which one has to hold today."""
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        remedy = "give the authority's certificate in PEM, from BEGIN CERTIFICATE to END CERTIFICATE"
        yield Problem(path, "is no certificate, or a broken one", remedy)
        return
    now = datetime.now(UTC)
    spans = [(one.not_valid_before_utc, one.not_valid_after_utc) for one in certificates]
    if not any(begin <= now <= end for begin, end in spans):
        times = ", ".join(f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}" for begin, end in spans)
        yield Problem(
            path,
            f"no server is trusted by it today, {now:%Y-%m-%d}: it holds from {times}",
            "give the certificate that the mail server's authority has now",
        )
