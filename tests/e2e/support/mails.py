"""What arrived at the lab's mail server."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage

from amalgam.lab.mail.install import MAILDIR
from tests.e2e.support.nodes import Node
from tests.e2e.support.waiting import wait_until

_BETWEEN = "=== next mail ==="


@dataclass
class Mailbox:
    """Mails that arrived after it was opened."""

    server: Node
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Leave out what is there already."""
        self._seen = set(self._files())

    def mails(self) -> list[EmailMessage]:
        """All of them."""
        new = [file for file in self._files() if file not in self._seen]
        command = "; ".join(f"cat {MAILDIR}/new/{file}; echo; echo '{_BETWEEN}'" for file in new)
        texts = self.server.run(command or "true").stdout.split(f"{_BETWEEN}\n")
        return [_parsed(text) for text in texts if text.strip()]

    def about(self, *words: str) -> list[EmailMessage]:
        """Those in which all of these words stand, in the subject or the text."""
        return [mail for mail in self.mails() if all(word in f"{mail['Subject']}\n{text_of(mail)}" for word in words)]

    def wait_for(self, *words: str, seconds: float) -> EmailMessage:
        """The first mail with these words."""
        what = f"a mail about {', '.join(words)}"
        return wait_until(what, lambda: self.about(*words), seconds=seconds)[0]

    def _files(self) -> list[str]:
        return self.server.run(f"ls -1tr {MAILDIR}/new 2>/dev/null || true").stdout.split()


def text_of(mail: EmailMessage) -> str:
    """All parts of it that people read."""
    return "\n".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")


def _parsed(text: str) -> EmailMessage:
    parsed = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
