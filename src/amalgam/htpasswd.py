"""Entries of a password file for web servers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping


def entry(user: str, password: str, salt: str) -> str:
    """One line of a password file, the same for the same input, in the scheme ``{SSHA}`` of RFC 2307.

    A single salted SHA-1 is enough for generated passwords of 128 bits and more, and needs no library; it would not be
    for a password that a person chose. Read by nginx: https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html

    Raises:
        ValueError: a password under 16 characters, or a colon in the user's name.
    """
    if len(password) < 16 or ":" in user:
        raise ValueError("the password is shorter than 16 characters, or the user's name holds a colon")
    tail = salt.encode()
    digest = hashlib.sha1(password.encode() + tail, usedforsecurity=False).digest()
    return f"{user}:{{SSHA}}{base64.b64encode(digest + tail).decode()}"


def entries(users: Iterable[str], passwords: Mapping[str, str], salt: str) -> dict[str, str]:
    """User → line, for each of ``users``, sorted.

    Raises:
        KeyError: a user has no password.
        ValueError: see :func:`entry`.
    """
    return {user: entry(user, passwords[user], salt) for user in sorted(set(users))}


def password_file(lines: Mapping[str, str], users: Iterable[str]) -> str:
    """Content of the password file with the ``lines`` of these users, each once and sorted."""
    return "".join(f"{lines[user]}\n" for user in sorted(set(users)))
