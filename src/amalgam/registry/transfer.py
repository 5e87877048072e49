"""Bringing images into a site's registry, with every architecture and their digests, by skopeo."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from amalgam.errors import AmalgamError
from amalgam.registry.credentials import Credentials
from amalgam.registry.reference import Reference
from amalgam.registry.source import Source

# As skopeo prints what a registry answered.
_STATUS = re.compile(r"(?:StatusCode:|HTTP status:) ([0-9]{3})")


def transfer(source: Source, to: Reference, credentials: Credentials, *, source_auth_file: Path | None = None) -> str:
    """Copy an image into the registry; says the digest that it has there, which is that of the source if it has one.

    The manifest comes last, so that the tag leads to the old image until the new one is whole. What skopeo says of its
    progress goes to standard error.

    Args:
        source_auth_file: user and password of the registry it comes from (containers-auth.json(5)); by default the
            person's own, where ``skopeo login`` left it.

    Raises:
        AmalgamError: skopeo is not there, or could not copy; it says why. The source has changed meanwhile.
    """
    program = shutil.which("skopeo")
    if program is None:
        raise AmalgamError("skopeo is not on this machine", where="PATH", remedy="apt-get install skopeo")
    own = source.transport == "docker" and source.location.startswith(f"//{credentials.registry}/")
    with tempfile.TemporaryDirectory(prefix="amalgam-") as folder:  # 0700
        authority, auth_file, digest = (Path(folder) / name for name in ("tls", "auth.json", "digest"))
        authority.mkdir()
        (authority / "ca.crt").write_text(credentials.ca_certificate)
        auth_file.write_text(credentials.auth_file())
        login = [f"cert-dir={authority}", f"authfile={auth_file}"]
        source_login = login if own else [f"authfile={source_auth_file}"] if source_auth_file else []
        wanted = None
        if source.keeps_digest:
            inspect = [program, "inspect", "--raw", *(f"--{option}" for option in source_login), str(source)]
            looked = subprocess.run(inspect, capture_output=True, check=False)
            if looked.returncode != 0:
                raise _failure(looked.stderr.decode(errors="replace"), source, to, credentials)
            wanted = f"sha256:{hashlib.sha256(looked.stdout).hexdigest()}"
        command = [program, "copy", "--all", "--retry-times=2", f"--digestfile={digest}"]
        command += [f"--dest-{option}" for option in login] + [f"--src-{option}" for option in source_login]
        command += ["--preserve-digests"] if wanted else []
        command += [str(source), f"docker://{credentials.registry}/{to}"]
        done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise _failure(done.stderr, source, to, credentials)
        copied = digest.read_text().strip()
    if wanted not in (None, copied):
        what = f"{to} has the digest {copied}, and its source had {wanted} before"
        remedy = (
            "somebody has given the source's name to another image meanwhile: look which is wanted, and import again"
        )
        raise AmalgamError(what, where=str(source), remedy=remedy)
    return copied


def own_source(reference: Reference, credentials: Credentials) -> Source:
    """An image that is in the registry already."""
    return Source("docker", f"//{credentials.registry}/{reference}", keeps_digest=True)


def _failure(said: str, source: Source, to: Reference, credentials: Credentials) -> AmalgamError:
    reason = said.strip().rpartition("\n")[2].partition(' msg="')[2].removesuffix('"') or said.strip()
    status = _STATUS.search(reason)
    if "unauthorized" in reason or "authentication required" in reason:
        rights = f"{credentials.user} has to be developer in {to.project}, and to have the right to pull the source"
        remedy = f"{rights}; who has both asks for new credentials"
    elif status and status[1] == "405":
        remedy = "try again in some minutes: garbage is being collected"
    elif status and status[1].startswith("5"):
        remedy = "see `journalctl -u registry` on its host; if its disk is full, delete tags and collect garbage"
    else:
        remedy = "see that the source is whole and can be read; nothing was changed in the registry"
    return AmalgamError(f"the image was not copied: {reason}", where=f"{source} to {to}", remedy=remedy)
