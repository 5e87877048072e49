"""Keys of one MPI job: its first worker reaches the others with them, and nobody else does."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from amalgam.training.parameters import TrainingJob

_FOLDER = "/etc/training-ssh"
_PORT = 2222
"""No privilege is needed to listen on it."""


def ssh_keys(job: TrainingJob) -> dict[str, str]:
    """Files of ``/etc/training-ssh``: keys of both ends, made anew, and their ssh_config(5) and sshd_config(5)."""
    host_private, host_public = _pair()
    user_private, user_public = _pair()
    return {
        "host_key": host_private,
        "user_key": user_private,
        "authorized_keys": user_public,
        # Every worker shows the job's one host key, on names that are the job's alone.
        "known_hosts": f"[*.{job.name}]:{_PORT} {host_public}",
        "config": (
            f"Port {_PORT}\nIdentityFile {_FOLDER}/user_key\nUserKnownHostsFile {_FOLDER}/known_hosts\n"
            "StrictHostKeyChecking yes\nBatchMode yes\nConnectTimeout 5\nLogLevel ERROR\n"
        ),
        "sshd_config": (
            f"Port {_PORT}\nHostKey {_FOLDER}/host_key\nAuthorizedKeysFile {_FOLDER}/authorized_keys\nPidFile none\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nLogLevel ERROR\n"
            # The files are root's and the job's group may read them; sshd would have them its own user's alone.
            "StrictModes no\n"
        ),
    }


def _pair() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return private.decode(), key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + "\n"
