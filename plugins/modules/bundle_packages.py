#!/usr/bin/python
"""Install Debian packages from the bundle's repository, and from nowhere else."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: bundle_packages
short_description: Install Debian packages from the bundle's repository
description:
  - Makes the named packages be installed, in the newest version that the bundle's repository has.
  - Uses the repository in C(/etc/apt/sources.list.d/amalgam.sources) and no other, whatever else the host has.
  - While every package is installed, and the repository's lists are current and hold nothing newer, apt is not run.
    The lists are current while C(amalgam.sources) is the file they were fetched with, so write the bundle's digest
    into it as a comment.
  - Finishes what an interrupted dpkg left half done. Waits for another dpkg or apt that holds the lock.
author: Amalgam
options:
  packages:
    description: Names of packages.
    type: list
    elements: str
    required: true
  units:
    description: Units of systemd that the packages bring, to run and to start at boot.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Predicts from what is installed and from the lists that are there.
    support: full
"""

EXAMPLES = r"""
- name: Install packages
  bundle_packages:
    packages: [chrony, conntrack, nftables]
    units: [chrony]
"""

RETURN = r"""
installed:
  description: Packages that were installed, upgraded or repaired (or would be).
  returned: always
  type: list
  elements: str
started:
  description: Units that were started or enabled (or would be).
  returned: always
  type: list
  elements: str
repaired:
  description: Packages that an interrupted dpkg had left half done.
  returned: always
  type: list
  elements: str
"""

SOURCES = Path("/etc/apt/sources.list.d/amalgam.sources")
LISTS = Path("/var/lib/apt/lists")
# The sha256 of the sources file that the lists were fetched with.
STAMP = Path("/var/lib/amalgam/apt-lists.sha256")
DPKG_UPDATES = Path("/var/lib/dpkg/updates")
LOCK_TIMEOUT_S = 300
LOCK_POLL_S = 2
LOCKED = re.compile(r"[Cc]ould not get lock|frontend lock|is locked by another process")
# The middle letter of dpkg's short status: half-installed, unpacked, half-configured, triggers awaited or pending.
HALF_DONE = "HUFWt"
CONFIG = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
WAIT = ["-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_S}"]
# An unreachable repository is only a warning to apt, by default.
STRICT = ["-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=3"]


class PackageError(Exception):
    """A failure a person can act on."""


class State(NamedTuple):
    """A package as dpkg has it. ``status``: i installed, n not, c only its configuration, others half done."""

    version: str
    status: str


class Runner:
    """Runs the programs of the package system; the one part that tests replace."""

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """(exit code, stdout, stderr), in a fixed locale and without questions."""
        env = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", env=env, stdin=subprocess.DEVNULL
        )
        return done.returncode, done.stdout, done.stderr


class Packages:
    """Decides from dpkg's state and the repository's lists what has to be done, and does it."""

    def __init__(self, names: list[str], runner: Runner, *, check_mode: bool) -> None:
        bad = [name for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)]
        if bad:
            raise PackageError(f"packages: {bad[0]!r} is no package name; give names only, versions are the bundle's")
        self.names = list(dict.fromkeys(names))
        self.runner = runner
        self.check = check_mode

    def run(self) -> dict[str, Any]:
        states = self.states()
        repaired = sorted(name for name, state in states.items() if state.status in HALF_DONE)
        broken = bool(repaired) or was_interrupted()
        if broken and not self.check:
            self.do("repair an interrupted dpkg", ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"])
            states = self.states()
        stale = lists_are_stale()
        if stale and not self.check:
            self.update()
        wanted = self.missing_or_older(states)
        if wanted and not self.check:
            self.install(wanted)
        if stale and self.check:
            # Without the lists nothing is known of versions: that any package may become newer is the honest answer.
            wanted = self.names
        return {"changed": bool(wanted or broken), "installed": wanted, "repaired": repaired}

    def states(self) -> dict[str, State]:
        rc, out, err = self.runner.run(["dpkg-query", "-W", "-f", "${Package}\\t${Version}\\t${db:Status-Abbrev}\\n"])
        if rc != 0:
            raise PackageError(f"dpkg-query failed ({rc}): {err.strip()}; this module needs a Debian host")
        rows = [line.split("\t") for line in out.splitlines()]
        return {name: State(version, status[1:2]) for name, version, status in rows}

    def missing_or_older(self, states: dict[str, State]) -> list[str]:
        offered = self.offered_versions()
        return [name for name in self.names if self.is_missing_or_older(states.get(name), offered.get(name))]

    def offered_versions(self) -> dict[str, str]:
        """name -> version, from the bundle's lists (one version of each: the bundle is a closed set)."""
        lists = [str(file) for file in bundle_lists()]
        if not lists:
            return {}
        # apt's own reader: the lists may be compressed, in ways that Python cannot read.
        rc, out, err = self.runner.run(["/usr/lib/apt/apt-helper", "cat-file", *lists])
        if rc != 0:
            raise PackageError(f"cannot read {', '.join(lists)}: {err.strip()}; remove them, the next run fetches them")
        fields = [dict(re.findall(r"(?m)^(Package|Version): (\S+)$", stanza)) for stanza in out.split("\n\n")]
        return {found["Package"]: found["Version"] for found in fields if len(found) == 2}

    def is_missing_or_older(self, state: State | None, offered: str | None) -> bool:
        if state is None or state.status != "i":
            return True
        if offered is None or offered == state.version:
            return False
        return self.runner.run(["dpkg", "--compare-versions", state.version, "lt", offered])[0] == 0

    def update(self) -> None:
        if not SOURCES.is_file():
            raise PackageError(f"{SOURCES} is not there; configure the bundle's repository before installing packages")
        self.do("read the lists of the bundle's repository", ["apt-get", "update", "-q", *only_bundle(), *STRICT])
        STAMP.parent.mkdir(parents=True, exist_ok=True)
        STAMP.write_text(sources_digest())

    def install(self, names: list[str]) -> None:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *only_bundle(), *WAIT, *CONFIG, *names]
        self.do(f"install {', '.join(names)} from the bundle's repository", command)

    def do(self, what: str, command: list[str]) -> None:
        """Run one program of apt, waiting while another one holds a lock that it does not wait for itself."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            rc, out, err = self.runner.run(command)
            if rc == 0:
                return
            if not LOCKED.search(err) or time.monotonic() > deadline:
                raise PackageError(explained(what, rc, out, err))
            time.sleep(LOCK_POLL_S)


def explained(what: str, rc: int, out: str, err: str) -> str:
    """apt's failure with the remedy where it is known."""
    missing = re.findall(r"Unable to locate package (\S+)|Package '?([^' ]+)'? has no installation candidate", err)
    if missing:
        names = ", ".join(sorted({first or second for first, second in missing}))
        remedy = "add it to versions/components.yml and build the bundle again"
        return f"cannot {what}: the bundle has no package {names}; {remedy}"
    tail = "\n".join([*out.strip().splitlines()[-5:], *err.strip().splitlines()[-15:]])
    return f"cannot {what} (exit code {rc}): {tail}"


def only_bundle() -> list[str]:
    """apt's options that make the bundle's repository the only one, and keep the lists of others."""
    options = [f"Dir::Etc::sourcelist={SOURCES}", "Dir::Etc::sourceparts=-", "APT::Get::List-Cleanup=0"]
    return [part for option in options for part in ("-o", option)]


def was_interrupted() -> bool:
    """Whether dpkg was killed while it changed its own database."""
    return DPKG_UPDATES.is_dir() and any(DPKG_UPDATES.iterdir())


def sources_digest() -> str:
    return hashlib.sha256(SOURCES.read_bytes()).hexdigest() if SOURCES.is_file() else ""


def lists_are_stale() -> bool:
    """Whether the lists are missing, or were fetched with another sources file than the one that is there."""
    return not bundle_lists() or not STAMP.is_file() or STAMP.read_text() != sources_digest()


def bundle_lists() -> list[Path]:
    """The package lists that apt fetched from the bundle's repository."""
    if not SOURCES.is_file() or not LISTS.is_dir():
        return []
    uris = [uri for line in re.findall(r"(?m)^URIs:(.*)$", SOURCES.read_text()) for uri in line.split()]
    prefixes = tuple(list_prefix(uri) for uri in uris)
    return [file for file in LISTS.glob("*_Packages*") if prefixes and file.name.startswith(prefixes)]


def list_prefix(uri: str) -> str:
    """How apt begins the name of a list: the URI without its scheme, some letters quoted, slashes as underscores."""
    bare = re.sub(r"^[a-z+]+:(//)?", "", uri).rstrip("/")
    return re.sub(r"[][\\|{}<>\"^~_=!@#$%&*]", lambda letter: f"%{ord(letter[0]):02x}", bare).replace("/", "_") + "_"


def main() -> None:
    spec = {
        "packages": {"type": "list", "elements": "str", "required": True},
        "units": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    # Not at the top of the file: linters load modules outside Ansible, where our module_utils cannot be found.
    from ansible.module_utils import units
    from ansible.module_utils.tree_files import TreeError

    try:
        result = Packages(module.params["packages"], Runner(), check_mode=module.check_mode).run()
        stopped = [unit for unit in units.units_of(module.params["units"]) if not (unit.runs and unit.starts_at_boot)]
        if not module.check_mode:
            units.start(stopped)
        result["changed"] = result["changed"] or bool(stopped)
        module.exit_json(**result, started=[unit.name for unit in stopped])
    except (PackageError, TreeError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
