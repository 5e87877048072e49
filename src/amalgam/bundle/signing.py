"""Signatures with OpenSSH keys: https://man.openbsd.org/ssh-keygen, -Y sign and -Y verify.

The site pins who may sign (a file in the form of ``allowed_signers``); nothing inside a bundle decides about trust.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from amalgam.errors import AmalgamError

NAMESPACE = "amalgam-bundle"
PRINCIPAL = "bundle@amalgam"
_REMEDY = "do not use this bundle: fetch it again, or have it signed by a key in the site's bundle_allowed_signers"


def signing_key(config: Path) -> Path:
    """The key that signs bundles, made at first use, mode 0600; beside it the file that lets a site pin it.

    Raises:
        AmalgamError: ssh-keygen failed.
    """
    key = config / "bundle_signing_key"
    if not key.exists():
        config.mkdir(parents=True, exist_ok=True, mode=0o700)
        _keygen("-q", "-t", "ed25519", "-N", "", "-C", PRINCIPAL, "-f", str(key))
    signers = allowed_signers(config)
    kind, public = key.with_suffix(".pub").read_text().split()[:2]
    text = f'{PRINCIPAL} namespaces="{NAMESPACE}" {kind} {public}\n'
    if not signers.exists() or signers.read_text() != text:
        signers.write_text(text)
    return key


def allowed_signers(config: Path) -> Path:
    """The file for a site's ``bundle_allowed_signers`` that trusts this user's own key."""
    return config / "bundle_allowed_signers"


def sign(path: Path, key: Path) -> Path:
    """Sign a file; the signature lies beside it with the suffix ``.sig``.

    Raises:
        AmalgamError: ssh-keygen failed.
    """
    signature = path.with_name(f"{path.name}.sig")
    signature.unlink(missing_ok=True)
    _keygen("-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path))
    return signature


def verify(path: Path, signers: Path) -> str:
    """Check a file's signature against the signers a site allows; who signed.

    Raises:
        AmalgamError: no signature, no such signers file, a key that is not allowed, or changed bytes.
    """
    signature = path.with_name(f"{path.name}.sig")
    if not signature.is_file() or signature.is_symlink():
        raise AmalgamError("the signature is missing", where=str(signature), remedy=_REMEDY)
    if not signers.is_file():
        raise AmalgamError(
            "no file of allowed signers",
            where=str(signers),
            remedy="set bundle_allowed_signers in the inventory to the file that pins the site's signing key",
        )
    common = ["-f", str(signers), "-s", str(signature)]
    found = subprocess.run(
        ["ssh-keygen", "-Y", "find-principals", *common], capture_output=True, text=True, check=False
    )
    principal = found.stdout.split()[0] if found.returncode == 0 and found.stdout.split() else ""
    if not principal:
        raise AmalgamError("signed by a key that this site does not allow", where=str(signature), remedy=_REMEDY)
    with path.open("rb") as content:
        checked = subprocess.run(
            ["ssh-keygen", "-Y", "verify", *common, "-I", principal, "-n", NAMESPACE],
            stdin=content,
            capture_output=True,
            text=True,
            check=False,
        )
    if checked.returncode:
        raise AmalgamError("the signature does not fit the manifest", where=str(path), remedy=_REMEDY)
    return principal


def _keygen(*arguments: str) -> None:
    result = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise AmalgamError(f"ssh-keygen failed: {result.stderr.strip()}", remedy="install openssh-client 8.2 or newer")
