"""Pages as a person sees them: headless Chromium, on this machine or where nothing but a lab can be reached."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.support.nodes import run_local

_PROGRAM = [sys.executable, "-m", "tests.e2e.support.browse"]


_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Seen:
    """What became of one page."""

    panels: dict[str, str]
    """Title → state; of two with one title, the worse."""
    messages: dict[str, str]
    """Title → what is said instead of data."""
    console: list[str]
    failed: list[str]
    asked: list[str]
    answer: Any
    """What the page's script returned."""

    def hosts(self) -> set[str]:
        """Where anything was asked for; what pages carry within themselves is nowhere."""
        return {urlsplit(url).netloc for url in self.asked if urlsplit(url).scheme not in ("data", "blob")}


@dataclass(frozen=True)
class Browser:
    """How pages are opened."""

    folder: Path
    """Pictures go here, ``NAME.png``."""
    namespace: str = ""
    """Network namespace in which the browser runs; this machine's own when empty."""
    authority: Path | None = None
    """The one certificate that is believed beside the usual ones."""
    host_rules: str = ""
    """Chromium's ``--host-resolver-rules``."""
    sign_in: str = ""
    """Address with user and password in it, to begin with."""

    def open(
        self, addresses: dict[str, str], scripts: Mapping[str, str] = _NONE, *, panels: bool = True, **options: Any
    ) -> dict[str, Seen]:
        """Open pages (name → address) one after the other; ``scripts`` run in those of that name when all is drawn.

        ``panels`` says whether they are dashboards. Options are ``size`` ([width, height] in px) and ``scheme`` (light,
        dark).
        """
        pages: list[dict[str, Any]] = [
            {"name": name, "url": url, "panels": panels, **({"script": scripts[name]} if name in scripts else {})}
            for name, url in addresses.items()
        ]
        wanted = {"folder": str(self.folder), "pages": pages, "host_rules": self.host_rules, **options}
        wanted |= {"authority": str(self.authority)} if self.authority else {}
        wanted |= {"sign_in": self.sign_in} if self.sign_in else {}
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        done = run_local([*inside, *_PROGRAM], stdin=json.dumps(wanted), seconds=60 + 60 * len(pages))
        return {name: _seen(found) for name, found in json.loads(done.stdout).items()}


def _seen(found: dict[str, Any]) -> Seen:
    panels: dict[str, str] = {}
    for panel in found["panels"]:
        if panels.get(panel["title"], "data") == "data":
            panels[panel["title"]] = panel["state"]
    messages = {panel["title"]: panel["message"] for panel in found["panels"] if panel["message"]}
    return Seen(panels, messages, found["console"], found["failed"], found["asked"], found["answer"])
