import base64
import hashlib

import pytest

from amalgam.htpasswd import entry

PASSWORD = "correct-horse-battery"


def test_the_entry_holds_a_salted_hash_that_the_password_gives_again() -> None:
    user, hashed = entry("push", PASSWORD, "salt").split(":")
    raw = base64.b64decode(hashed.removeprefix("{SSHA}"))
    assert user == "push"
    assert hashlib.sha1(PASSWORD.encode() + raw[20:]).digest() == raw[:20]


def test_a_short_password_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        entry("push", "short", "salt")


def test_a_user_that_would_split_the_line_is_refused() -> None:
    with pytest.raises(ValueError, match="colon"):
        entry("a:b", PASSWORD, "salt")
