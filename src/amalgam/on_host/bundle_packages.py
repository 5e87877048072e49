"""Install Debian packages from the bundle's repository, and from nowhere else."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from amalgam.on_host import commands, units
from amalgam.on_host.program import HostError, Request

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


def run(request: Request) -> dict[str, Any]:
    """Have ``packages`` installed, and their ``units`` run.

    Raises:
        HostError: apt, dpkg or systemd does not do it.
    """
    result = Packages(request.params["packages"], quietly, check_mode=request.check_mode).run()
    stopped = [unit for unit in units.units_of(request.params["units"]) if not (unit.runs and unit.starts_at_boot)]
    if not request.check_mode:
        units.start(stopped)
    return result | {"changed": result["changed"] or bool(stopped), "started": [unit.name for unit in stopped]}


class State(NamedTuple):
    """A package as dpkg has it. ``status``: i installed, n not, c only its configuration, others half done."""

    version: str
    status: str
    lost: bool = False
    """Whether dpkg was killed amid its files and can only have it installed anew (``reinstreq``, dpkg(1))."""


Run = Callable[[list[str]], tuple[int, str, str]]
"""Runs a program of the package system: (exit code, stdout, stderr)."""


def quietly(command: list[str]) -> tuple[int, str, str]:
    """Run a program in a fixed locale and without questions."""
    return commands.run(command, LC_ALL="C", DEBIAN_FRONTEND="noninteractive", NEEDRESTART_MODE="l")


class Packages:
    """Decides from dpkg's state and the repository's lists what has to be done, and does it."""

    def __init__(self, names: list[str], run: Run, *, check_mode: bool) -> None:
        """Want these packages.

        Raises:
            HostError: a name that is none.
        """
        bad = [name for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)]
        if bad:
            raise HostError(f"packages: {bad[0]!r} is no package name; give names only, versions are the bundle's")
        self._names = list(dict.fromkeys(names))
        self._run = run
        self._check = check_mode

    def run(self) -> dict[str, Any]:
        """Install what is missing or older than the bundle's.

        Raises:
            HostError: a program of the package system fails, or the bundle has no such package.
        """
        states = self._states()
        repaired = sorted(name for name, state in states.items() if state.status in HALF_DONE)
        broken = bool(repaired) or _was_interrupted()
        if broken and not self._check:
            states = self._repair()
        stale = lists_are_stale()
        if stale and not self._check:
            self._update()
        lost = sorted(name for name, state in states.items() if state.lost)
        if lost and not self._check:
            self._install(lost, "--reinstall", "--fix-broken")
            states = self._repair()
        wanted = self._missing_or_older(states)
        if wanted and not self._check:
            self._install(wanted)
        if stale and self._check:
            # Without the lists nothing is known of versions: that any package may become newer is the honest answer.
            wanted = self._names
        return {"changed": bool(wanted or broken), "installed": wanted, "repaired": repaired}

    def _repair(self) -> dict[str, State]:
        """Finish what dpkg began; what is lost, and what needs it, is left as it is.

        Raises:
            HostError: dpkg fails, though nothing is lost.
        """
        try:
            self._do("repair an interrupted dpkg", ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"])
        except HostError:
            if not any(state.lost for state in self._states().values()):
                raise
        return self._states()

    def _states(self) -> dict[str, State]:
        rc, out, err = self._run(["dpkg-query", "-W", "-f", "${Package}\\t${Version}\\t${db:Status-Abbrev}\\n"])
        if rc != 0:
            raise HostError(f"dpkg-query failed ({rc}): {err.strip()}; packages are for Debian hosts")
        rows = [line.split("\t") for line in out.splitlines()]
        return {name: State(version, status[1:2], status[2:3] == "R") for name, version, status in rows}

    def _missing_or_older(self, states: dict[str, State]) -> list[str]:
        offered = self._offered_versions()
        return [name for name in self._names if self._is_missing_or_older(states.get(name), offered.get(name))]

    def _offered_versions(self) -> dict[str, str]:
        """name -> version, from the bundle's lists (one version of each: the bundle is a closed set)."""
        lists = [str(file) for file in _bundle_lists()]
        if not lists:
            return {}
        # apt's own reader: the lists may be compressed, in ways that Python cannot read.
        rc, out, err = self._run(["/usr/lib/apt/apt-helper", "cat-file", *lists])
        if rc != 0:
            raise HostError(f"cannot read {', '.join(lists)}: {err.strip()}; remove them, the next run fetches them")
        fields = [dict(re.findall(r"(?m)^(Package|Version): (\S+)$", stanza)) for stanza in out.split("\n\n")]
        return {found["Package"]: found["Version"] for found in fields if len(found) == 2}

    def _is_missing_or_older(self, state: State | None, offered: str | None) -> bool:
        if state is None or state.status != "i":
            return True
        if offered is None or offered == state.version:
            return False
        return self._run(["dpkg", "--compare-versions", state.version, "lt", offered])[0] == 0

    def _update(self) -> None:
        if not SOURCES.is_file():
            raise HostError(f"{SOURCES} is not there; configure the bundle's repository before installing packages")
        self._do("read the lists of the bundle's repository", ["apt-get", "update", "-q", *_only_bundle(), *STRICT])
        STAMP.parent.mkdir(parents=True, exist_ok=True)
        STAMP.write_text(sources_digest())

    def _install(self, names: list[str], *options: str) -> None:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *options]
        command += [*_only_bundle(), *WAIT, *CONFIG, *names]
        self._do(f"install {', '.join(names)} from the bundle's repository", command)

    def _do(self, what: str, command: list[str]) -> None:
        """Run one program of apt, waiting while another one holds a lock that it does not wait for itself."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            rc, out, err = self._run(command)
            if rc == 0:
                return
            if not LOCKED.search(err) or time.monotonic() > deadline:
                raise HostError(_explained(what, rc, out, err))
            time.sleep(LOCK_POLL_S)


def _explained(what: str, rc: int, out: str, err: str) -> str:
    """apt's failure with the remedy where it is known."""
    missing = re.findall(r"Unable to locate package (\S+)|Package '?([^' ]+)'? has no installation candidate", err)
    if missing:
        names = ", ".join(sorted({first or second for first, second in missing}))
        remedy = "add it to versions/components.yml and build the bundle again"
        return f"cannot {what}: the bundle has no package {names}; {remedy}"
    tail = "\n".join([*out.strip().splitlines()[-5:], *err.strip().splitlines()[-15:]])
    return f"cannot {what} (exit code {rc}): {tail}"


def _only_bundle() -> list[str]:
    """apt's options that make the bundle's repository the only one, and keep the lists of others."""
    options = [f"Dir::Etc::sourcelist={SOURCES}", "Dir::Etc::sourceparts=-", "APT::Get::List-Cleanup=0"]
    return [part for option in options for part in ("-o", option)]


def _was_interrupted() -> bool:
    """Whether dpkg was killed while it changed its own database."""
    return DPKG_UPDATES.is_dir() and any(DPKG_UPDATES.iterdir())


def sources_digest() -> str:
    """The sha256 of the repository's description, empty where there is none."""
    return hashlib.sha256(SOURCES.read_bytes()).hexdigest() if SOURCES.is_file() else ""


def lists_are_stale() -> bool:
    """Whether the lists are missing, or were fetched with another sources file than the one that is there."""
    return not _bundle_lists() or not STAMP.is_file() or STAMP.read_text() != sources_digest()


def _bundle_lists() -> list[Path]:
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
