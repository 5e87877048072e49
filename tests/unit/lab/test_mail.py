from __future__ import annotations

import os
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.lab import wheels
from amalgam.lab.mail.install import CA_FILE, FOLDER, MAILDIR, PASSWORD_FILE, USER, install

# Of this process's own: its port is always 587.
ADDRESS = f"127.86.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
NAME = "stor1.lab.example.internal"


@dataclass(frozen=True)
class Server:
    maildir: Path
    password: str
    tls: ssl.SSLContext

    def client(self) -> smtplib.SMTP:
        client = smtplib.SMTP(ADDRESS, 587, timeout=10)
        client._host = NAME  # what the certificate is for
        return client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it lies on a node, run here on an address of its own, with this Python's libraries."""
    root = tmp_path_factory.mktemp("mail")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheels, "unpack", lambda *_: None)
        install(root / "upper", name=NAME, address=ADDRESS, libraries=root, keep=root / "keep")
    credentials, maildir = root / "upper/etc/lab-mail", root / "maildir"
    places = {"LISTEN_ADDRESS": ADDRESS, "MAILDIR": str(maildir), "CREDENTIALS_DIRECTORY": str(credentials)}
    environment = {**os.environ, **places, "PYTHONPATH": str(root / "upper" / FOLDER)}
    with subprocess.Popen([sys.executable, "-m", "lab_mail"], env=environment) as process:
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex((ADDRESS, 587)):
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        tls = ssl.create_default_context(cafile=root / "keep" / CA_FILE)
        yield Server(maildir, (root / "keep" / PASSWORD_FILE).read_text(), tls)
        process.terminate()


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "alerts@example.internal",
        "admin@example.internal",
        "NodeMemoryHighUtilization",
    )
    mail.set_content("gpu1 has 71 % of its memory in use")
    return mail


def test_a_mail_is_kept_after_starttls_and_a_login(server: Server) -> None:
    with server.client() as client:
        client.starttls(context=server.tls)
        client.login(USER, server.password)
        client.send_message(_mail())
    (kept,) = (server.maildir / "new").iterdir()
    assert "gpu1 has 71 % of its memory in use" in kept.read_text()


def test_nothing_is_taken_without_starttls(server: Server) -> None:
    with server.client() as client, pytest.raises(smtplib.SMTPResponseException, match="STARTTLS"):
        client.send_message(_mail())


def test_nothing_is_taken_without_a_login_or_with_a_wrong_one(server: Server) -> None:
    with server.client() as client:
        client.starttls(context=server.tls)
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            client.send_message(_mail())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")


def test_what_is_secret_is_its_owner_s_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "unpack", lambda *_: None)
    install(tmp_path / "upper", name=NAME, address=ADDRESS, libraries=tmp_path, keep=tmp_path / "keep")
    for file in (*(tmp_path / "upper/etc/lab-mail").iterdir(), tmp_path / "keep" / PASSWORD_FILE):
        assert file.stat().st_mode & 0o777 == 0o600
    unit = (tmp_path / "upper/etc/systemd/system/lab-mail.service").read_text()
    assert ADDRESS in unit
    assert MAILDIR in unit


def test_a_bundle_without_the_libraries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AmalgamError, match="aiosmtpd"):
        install(tmp_path / "upper", name=NAME, address=ADDRESS, libraries=tmp_path, keep=tmp_path / "keep")
