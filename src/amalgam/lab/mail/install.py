"""Puts the mail server into a node's disk before it boots, and by no role: a site has its own mail server."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from amalgam import pki
from amalgam.lab import wheels
from amalgam.lab.state import write_atomically
from amalgam.lab.units import enable
from amalgam.pki import ServerName

USER = "alertmanager"
FOLDER = "usr/local/lib/lab-mail"
MAILDIR = "/var/mail/lab"
CA_FILE = "ca.crt"
PASSWORD_FILE = "password"  # noqa: S105 - the name of the file

_ON_NODE = Path(__file__).parent / "on_node"
_LIBRARIES = ("aiosmtpd", "attrs", "atpublic")
_CREDENTIALS = "etc/lab-mail"

_UNIT = f"""\
[Unit]
Description=Mail server of this lab
After=network.target

[Service]
User=mail
Group=mail
UMask=0027
Environment=PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/{FOLDER} LISTEN_ADDRESS={{address}} MAILDIR={MAILDIR}
LoadCredential=certificate:/{_CREDENTIALS}/certificate
LoadCredential=key:/{_CREDENTIALS}/key
LoadCredential=login:/{_CREDENTIALS}/login
ExecStart=/usr/bin/python3 -m lab_mail
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ReadWritePaths=/var/mail

[Install]
WantedBy=multi-user.target
"""


def install(upper: Path, *, name: str, address: str, libraries: Path, keep: Path) -> None:
    """Put the server into the upper layer of a node's disk.

    Args:
        upper: root of the layer.
        name: by which Alertmanager reaches it.
        address: on which it listens.
        libraries: folder of the bundle with the wheels that it needs.
        keep: folder of the lab where what its clients need is kept: certificate of its authority, password of its user.

    Raises:
        AmalgamError: the bundle lacks a library.
    """
    folder = upper / FOLDER
    folder.mkdir(parents=True)
    wheels.unpack(libraries, _LIBRARIES, "amd64", folder)
    shutil.copytree(_ON_NODE, folder / "lab_mail", ignore=shutil.ignore_patterns("__pycache__"))
    authority = pki.make_authority("the lab's mail")
    issued = pki.issue(authority, ServerName("mail", [name], [address]))
    password = secrets.token_urlsafe(32)
    credentials = {"certificate": issued.certificate, "key": issued.key, "login": f"{USER}:{password}"}
    for where, texts in (
        (upper / _CREDENTIALS, credentials),
        (keep, {CA_FILE: authority.certificate, PASSWORD_FILE: password}),
    ):
        where.mkdir(parents=True, exist_ok=True)
        where.chmod(0o700)
        for file, text in texts.items():
            write_atomically(where / file, text, 0o600)
    enable(upper, "lab-mail", _UNIT.format(address=address))
