"""Debian's own resolver, apt, with a private state: it solves for an empty system of any architecture.

The archive and its keys are those that the machine itself is configured with; no host name is known here.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amalgam.bundle.tries import thrice
from amalgam.errors import AmalgamError
from amalgam.pins import Arch

Stanza = dict[str, str]

_REMEDY = "see that `apt-get update` works on this machine, then run the same command again"


@dataclass(frozen=True)
class Apt:
    """An apt of its own under ``folder``: package lists, empty dpkg status, downloads."""

    folder: Path
    config: Path

    def run(self, *command: str, cwd: Path | None = None, remedy: str = _REMEDY) -> str:
        """Run one apt program with the private state; its standard output.

        Raises:
            AmalgamError: it failed; carries apt's own words.
        """
        result = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "APT_CONFIG": str(self.config), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise AmalgamError(
                f"{' '.join(command[:2])} failed: {(result.stdout + result.stderr).strip()[-800:]}",
                where=str(self.config),
                remedy=remedy,
            )
        return result.stdout

    def solve(self, wanted: Sequence[str]) -> dict[str, str]:
        """What an empty system installs for ``wanted``: package name -> version, without recommended packages."""
        text = self.run("apt-get", "install", "--simulate", "--quiet=1", *wanted)
        return dict(re.findall(r"^Inst (\S+) \((\S+) ", text, flags=re.MULTILINE))

    def stanzas(self, packages: dict[str, str]) -> dict[str, Stanza]:
        """The archive's entry of each ``name -> version``."""
        text = self.run("apt-cache", "show", *[f"{name}={version}" for name, version in sorted(packages.items())])
        return {entry["Package"]: entry for entry in parse_stanzas(text)}


def private_apt(folder: Path, arch: Arch, release: str) -> Apt:
    """Prepare an apt for ``arch`` under ``folder`` and fetch its package lists.

    Raises:
        AmalgamError: the machine has no Debian source for ``release``, or its lists cannot be fetched.
    """
    for part in ("state/lists/partial", "cache/archives/partial", "sources"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    sources = debian_sources(Path("/etc/apt"), release)
    for name, text in sources.items():
        (folder / "sources" / name).write_text(text)
    config = folder / "apt.conf"
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        # Else a list that did not come is only warned of, and its packages are missed later.
        "APT::Update::Error-Mode": "any",
    }
    lines = [f'{key} "{value}";\n' for key, value in settings.items()]
    config.write_text("#clear APT::Architectures;\n" + "".join(lines))
    apt = Apt(folder, config)
    thrice(lambda: apt.run("apt-get", "update", "--quiet=2"))
    return apt


def debian_sources(etc_apt: Path, release: str) -> dict[str, str]:
    """The machine's sources for ``release``, its updates and its security fixes; other archives are left out.

    Raises:
        AmalgamError: there is none.
    """
    suites = {release, f"{release}-updates", f"{release}-security"}
    found: dict[str, str] = {}
    for path in sorted([etc_apt / "sources.list", *(etc_apt / "sources.list.d").glob("*")]):
        if path.suffix == ".list" and path.is_file():
            kept = [line for line in path.read_text().splitlines() if _one_line_suite(line) in suites]
            found[path.name] = "".join(re.sub(r"\barch=\S+?(?=[\s\]])", "", line) + "\n" for line in kept)
        elif path.suffix == ".sources":
            entries = [
                entry for entry in parse_stanzas(path.read_text()) if entry.get("Types", "").split()[:1] == ["deb"]
            ]
            texts = [_deb822(entry, suites) for entry in entries]
            found[path.name] = "\n".join(text for text in texts if text)
    found = {name: text for name, text in found.items() if text}
    if not found:
        raise AmalgamError(
            f"this machine has no apt source for Debian {release}",
            where=str(etc_apt),
            remedy=f"build bundles on Debian with the suites {', '.join(sorted(suites))} configured",
        )
    return found


def _one_line_suite(line: str) -> str:
    match = re.match(r"deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(\S+)", line.strip())
    return match.group(1) if match else ""


def _deb822(entry: Stanza, suites: set[str]) -> str:
    kept = [suite for suite in entry.get("Suites", "").split() if suite in suites]
    if not kept or entry.get("Enabled", "yes").lower() == "no":
        return ""
    fields: dict[str, Any] = {key: value for key, value in entry.items() if key != "Architectures"}
    fields["Suites"] = " ".join(kept)
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def parse_stanzas(text: str) -> list[Stanza]:
    """Debian control data (deb822) as one mapping per paragraph; comments are dropped, continuation lines kept."""
    stanzas: list[Stanza] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        entry: Stanza = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and key:
                entry[key] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                entry[key] = value.strip()
        if entry:
            stanzas.append(entry)
    return stanzas
