"""The secrets of a site: made once, kept in a vaulted file, and never replaced by a run.

In the site's state folder (0700) lie ``secrets.yml``, encrypted by ansible-vault, and ``vault-password``, both 0600.
Whoever has both has the site: back them up, apart from each other. ``ca.crt`` beside them is the certificate of the
site's authority, which everybody may have.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from amalgam import pki
from amalgam.errors import AmalgamError
from amalgam.paths import project_root
from amalgam.pki import Credential, ServerName

SECRETS_FILE = "secrets.yml"
CA_FILE = "ca.crt"
PASSWORD_FILE = "vault-password"  # noqa: S105 - the name of the file

_RESTORE = "restore both files of the state folder from a backup; Amalgam never replaces secrets it cannot read"


class SiteSecrets(BaseModel):
    """All secrets of a site. Keys that this version does not know are kept: a later version wrote them."""

    # Errors must not repeat what they are about.
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    site_ca: Credential
    encryption_at_rest_key: str
    """32 bytes, base64: encrypts Secrets in etcd."""
    registry_http_secret: str
    registry_push_password: str
    registry_passwords: dict[str, str] = {}
    """Of the members of the registry's projects, by user."""
    harbor_admin_password: str
    harbor_database_password: str
    harbor_robot_secrets: dict[str, str] = {}
    """Of Harbor's robot accounts, by ``project/name``."""
    harbor_registry_secrets: dict[str, str] = {}
    """Of the accounts at the registries that Harbor copies from, by endpoint; given, never made."""
    kubeadm_certificate_key: str
    """32 bytes, hex: wraps the control plane's certificates on their way to further masters."""
    log_writer_password: str
    """With which the agents on the hosts send logs."""
    monitoring_passwords: dict[str, str] = {}
    """Of the people who look at dashboards and logs, by name."""
    ceph_key_secret: str
    """32 bytes, base64: every cephx key follows from it (:mod:`amalgam.ceph_keys`)."""
    certificates: dict[str, Credential] = {}
    """Certificates issued so far, by name."""

    def __repr__(self) -> str:
        """Only that it is there."""
        return "SiteSecrets(…)"

    __str__ = __repr__


@dataclass(frozen=True)
class Prepared:
    """The secrets of a site, and whether they had to be made or added to."""

    secrets: SiteSecrets
    changed: bool


def prepare_secrets(
    folder: Path,
    site_name: str,
    servers: Sequence[ServerName] = (),
    *,
    registry_users: Iterable[str] = (),
    harbor_robots: Iterable[str] = (),
    monitoring_users: Iterable[str] = (),
    renew: str | None = None,
    write: bool = True,
) -> Prepared:
    """The site's secrets in ``folder``, with a current certificate for each of ``servers``.

    Each of ``registry_users`` and ``monitoring_users`` has a password, that of the user ``renew`` is a new one; each of
    ``harbor_robots`` (``project/name``) has a secret.
    What is missing is made, and written unless ``write`` is false: then it lives in memory only, for a dry run.

    Raises:
        AmalgamError: the files are there and cannot be read. They are left as they are.
    """
    wanted = _Wanted(tuple(servers), tuple(registry_users), tuple(harbor_robots), tuple(monitoring_users), renew)
    if not write:
        return _completed(_load(folder), site_name, wanted)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder):
        prepared = _completed(_load(folder), site_name, wanted)
        if prepared.changed:
            _save(folder, prepared.secrets)
        for path, mode in ((folder, 0o700), (folder / SECRETS_FILE, 0o600), (folder / PASSWORD_FILE, 0o600)):
            path.chmod(mode)
        _publish(folder / CA_FILE, prepared.secrets.site_ca.certificate)
    return prepared


def keep_registry_secret(folder: Path, site_name: str, endpoint: str, secret: str) -> None:
    """Keep ``secret``, of the account at a registry that Harbor copies from, in place of one that was there.

    Raises:
        AmalgamError: the files are there and cannot be read. They are left as they are.
    """
    prepare_secrets(folder, site_name)
    with _locked(folder):
        content = SiteSecrets.model_validate(_load(folder))
        content.harbor_registry_secrets[endpoint] = secret
        _save(folder, content)


def _publish(file: Path, certificate: str) -> None:
    if not file.exists() or file.read_text() != certificate:
        file.write_text(certificate)
        file.chmod(0o644)


@dataclass(frozen=True)
class _Wanted:
    """What a site has secrets for, beyond those that every site has."""

    servers: tuple[ServerName, ...]
    users: tuple[str, ...]
    robots: tuple[str, ...]
    monitoring: tuple[str, ...]
    renew: str | None


def _completed(known: dict[str, Any], site_name: str, wanted: _Wanted) -> Prepared:
    content = {**_missing(known, site_name), **known}
    try:
        result = SiteSecrets.model_validate(content)
    except ValidationError as error:
        keys = ", ".join(sorted({".".join(str(part) for part in detail["loc"]) for detail in error.errors()}))
        raise AmalgamError(
            "the decrypted file does not hold a site's secrets", where=f"{SECRETS_FILE}: {keys}", remedy=_RESTORE
        ) from None
    changed = content.keys() != known.keys()
    for server in wanted.servers:
        issued = result.certificates.get(server.name)
        if issued is None or not pki.is_current(issued, result.site_ca, server):
            result.certificates[server.name] = pki.issue(result.site_ca, server)
            changed = True
    for users, passwords in (
        (wanted.users, result.registry_passwords),
        (wanted.monitoring, result.monitoring_passwords),
    ):
        for user in users:
            if user == wanted.renew or user not in passwords:
                passwords[user] = secrets.token_urlsafe(32)
                changed = True
    for robot in wanted.robots:
        if robot not in result.harbor_robot_secrets:
            result.harbor_robot_secrets[robot] = _harbor_password()
            changed = True
    return Prepared(result, changed)


def _missing(known: dict[str, Any], site_name: str) -> dict[str, Any]:
    """New secrets for what is not in ``known``."""
    makers: dict[str, Callable[[], Credential | str]] = {
        "site_ca": lambda: pki.make_authority(site_name),
        "encryption_at_rest_key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        "registry_http_secret": lambda: secrets.token_urlsafe(32),
        "registry_push_password": lambda: secrets.token_urlsafe(32),
        "harbor_admin_password": _harbor_password,
        "harbor_database_password": lambda: secrets.token_hex(32),
        "log_writer_password": lambda: secrets.token_urlsafe(32),
        "kubeadm_certificate_key": lambda: secrets.token_hex(32),
        "ceph_key_secret": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    return {name: make() for name, make in makers.items() if name not in known}


def _harbor_password() -> str:
    """Harbor wants a lower-case letter, an upper-case one and a digit in every password."""
    while True:
        password = secrets.token_urlsafe(32)
        if all(re.search(characters, password) for characters in ("[a-z]", "[A-Z]", "[0-9]")):
            return password


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second run from making other secrets at the same moment."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _load(folder: Path) -> dict[str, Any]:
    """What the vaulted file holds; nothing where there is none yet."""
    file, password = folder / SECRETS_FILE, folder / PASSWORD_FILE
    if not file.exists():
        return {}
    if not password.exists():
        raise AmalgamError(
            "the secrets are there, and the password of their vault is not", where=str(password), remedy=_RESTORE
        )
    decrypted = _vault("decrypt", password, file.read_bytes(), file)
    try:
        content = yaml.safe_load(decrypted)
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        raise AmalgamError("the decrypted file is no mapping of secrets", where=str(file), remedy=_RESTORE)
    return content


def _save(folder: Path, content: SiteSecrets) -> None:
    password = folder / PASSWORD_FILE
    if not password.exists():
        _write(password, (secrets.token_urlsafe(32) + "\n").encode())
    text = yaml.safe_dump(content.model_dump(), sort_keys=False)
    file = folder / SECRETS_FILE
    _write(file, _vault("encrypt", password, text.encode(), file))


def _write(file: Path, content: bytes) -> None:
    """Put ``content`` in place whole, readable by the owner only, or leave what is there."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _vault(action: str, password: Path, content: bytes, file: Path) -> bytes:
    """Have ansible-vault ``encrypt`` or ``decrypt``; the password goes by file, the content by pipe.

    It costs 0.4 s a run, and spares the site a second implementation of the format.
    """
    beside = Path(sys.executable).with_name("ansible-vault")
    program = str(beside) if beside.exists() else shutil.which("ansible-vault")
    if program is None:
        raise AmalgamError("no ansible-vault on this machine", where=sys.prefix, remedy="install ansible-core")
    # The user's own settings of Ansible may name other vaults and passwords; the checkout's do not.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        [program, action, "--vault-password-file", str(password), "--output", "-", "-"],
        input=content,
        capture_output=True,
        env={**environment, "ANSIBLE_CONFIG": str(project_root() / "ansible.cfg")},
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().removeprefix("[ERROR]: ")
        raise AmalgamError(f"cannot {action} the site's secrets: {reason}", where=str(file), remedy=_RESTORE)
    return done.stdout
