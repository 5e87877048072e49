"""Take in mail by submission (RFC 6409): after STARTTLS and a login, and keep each as a file of a Maildir."""

from __future__ import annotations

import hmac
import os
import signal
import socket
import ssl
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CREDENTIALS = Path(os.environ.get("CREDENTIALS_DIRECTORY", "."))


def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    """Whether the login is the one there is, ``USER:PASSWORD`` in the file ``login``."""
    given = data.login + b":" + data.password if isinstance(data, LoginPassword) else b""
    right = hmac.compare_digest(given, (CREDENTIALS / "login").read_bytes().strip())
    # "Handled" would be a refusal that has been answered already.
    return AuthResult(success=right, handled=right)


def main() -> None:
    """Serve until systemd says stop."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CREDENTIALS / "certificate", CREDENTIALS / "key")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    controller = Controller(
        Mailbox(Path(os.environ["MAILDIR"])),
        hostname=os.environ["LISTEN_ADDRESS"],
        port=587,
        authenticator=authenticate,
        auth_required=True,
        # Its prompts for LOGIN are not those that Alertmanager waits for.
        auth_exclude_mechanism=["LOGIN"],
        require_starttls=True,
        tls_context=tls,
        # Not asked of a name server, which may take longer than a start may.
        server_hostname=socket.gethostname(),
        ready_timeout=120,
    )
    controller.start()
    signal.sigwait({signal.SIGTERM})
    controller.stop()


if __name__ == "__main__":
    main()
