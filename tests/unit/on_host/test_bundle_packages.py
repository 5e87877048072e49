"""What bundle_packages decides to do, with the programs of the package system replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.on_host import bundle_packages
from amalgam.on_host.program import HostError

SOURCES = "Types: deb\nURIs: https://bundle.example.internal:8443/debian/amd64/\nSuites: ./\nTrusted: yes\n"
LIST_NAME = "bundle.example.internal:8443_debian_amd64_._Packages"


class System:
    """A Debian host as far as the program sees it: dpkg's packages, and every command that was run."""

    def __init__(self) -> None:
        self.installed: dict[str, tuple[str, str]] = {"dpkg": ("1.21", "ii ")}
        self.commands: list[list[str]] = []
        self.failures: list[tuple[int, str, str]] = []

    def run(self, command: list[str]) -> tuple[int, str, str]:
        if command[0] == "dpkg-query":
            return 0, "".join(f"{name}\t{v}\t{state}\n" for name, (v, state) in self.installed.items()), ""
        if command[1] == "cat-file":
            return 0, "".join(Path(file).read_text() for file in command[2:]), ""
        if command[:2] == ["dpkg", "--compare-versions"]:
            return (0 if command[2] < command[4] else 1), "", ""
        self.commands.append(command)
        if self.failures:
            return self.failures.pop(0)
        return 0, "", ""

    @property
    def verbs(self) -> list[str]:
        return [command[1] if command[0] == "apt-get" else command[-2] for command in self.commands]


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """The program with its paths in a temporary folder, a configured repository, current lists and a bare host."""
    module = bundle_packages
    for name in ("SOURCES", "LISTS", "STAMP", "DPKG_UPDATES"):
        monkeypatch.setattr(module, name, tmp_path / name.lower())
    monkeypatch.setattr(module, "LOCK_POLL_S", 0)
    module.SOURCES.write_text(SOURCES)
    module.LISTS.mkdir()
    module.LISTS.joinpath(LIST_NAME).write_text(
        "Package: chrony\nVersion: 4.3\nDescription: Version: 9\n\n"
        "Package: conntrack\nArchitecture: amd64\nVersion: 1.4\n"
    )
    module.LISTS.joinpath("deb.example_dists_Packages").write_text("Package: chrony\nVersion: 9.9\n")
    module.STAMP.write_text(module.sources_digest())
    return module


@pytest.fixture
def run(packages):
    def go(system: System, *names: str, check: bool = False) -> dict:
        return packages.Packages(list(names), system.run, check_mode=check).run()

    return go


@pytest.mark.parametrize(
    ("uri", "prefix"),
    [
        ("https://bundle.example:8443/debian/amd64/", "bundle.example:8443_debian_amd64_"),
        ("file:/srv/my_bundle", "_srv_my%5fbundle_"),
        ("file:///srv/bundle", "_srv_bundle_"),
    ],
)
def test_lists_are_found_by_the_names_that_apt_gives_them(packages, uri, prefix):
    assert packages.list_prefix(uri) == prefix


def test_nothing_is_run_when_all_is_installed_and_nothing_is_newer(run):
    system = System()
    system.installed |= {"chrony": ("4.3", "ii "), "conntrack": ("1.4", "hi ")}
    assert run(system, "chrony", "conntrack") == {"changed": False, "installed": [], "repaired": []}
    assert system.commands == []


def test_missing_packages_are_installed_from_the_bundle_alone(run, packages):
    system = System()
    system.installed |= {"chrony": ("4.3", "ii "), "conntrack": ("1.4", "rc ")}
    assert run(system, "chrony", "conntrack")["installed"] == ["conntrack"]
    (command,) = system.commands
    assert command[:3] == ["apt-get", "install", "-y"]
    assert command[-1] == "conntrack"
    assert f"Dir::Etc::sourcelist={packages.SOURCES}" in command
    assert {"Dir::Etc::sourceparts=-", "--no-install-recommends"} <= set(command)


def test_a_newer_version_in_the_bundle_is_installed_and_an_older_one_is_not(run):
    system = System()
    system.installed |= {"chrony": ("4.2", "ii "), "conntrack": ("1.5", "ii ")}
    assert run(system, "chrony", "conntrack")["installed"] == ["chrony"]


def test_the_lists_are_read_again_when_the_sources_file_changed(run, packages):
    system = System()
    system.installed["chrony"] = ("4.3", "ii ")
    packages.SOURCES.write_text(SOURCES + "# bundle 2\n")
    assert run(system, "chrony", check=True)["changed"] is True
    assert system.commands == []
    assert run(system, "chrony")["changed"] is False
    assert system.verbs == ["update"]
    assert run(system, "chrony")["changed"] is False
    assert system.verbs == ["update"]


def test_a_failed_update_is_not_taken_for_a_current_list(run, packages):
    system = System()
    packages.STAMP.unlink()
    system.failures = [(100, "", "E: Failed to fetch")]
    with pytest.raises(HostError, match="cannot read the lists of the bundle"):
        run(system, "chrony")
    assert packages.lists_are_stale()


def test_check_mode_predicts_on_a_bare_host_without_a_repository(run, packages):
    packages.SOURCES.unlink()
    packages.STAMP.unlink()
    system = System()
    assert run(system, "chrony", check=True) == {"changed": True, "installed": ["chrony"], "repaired": []}
    assert system.commands == []
    with pytest.raises(HostError, match="configure the bundle's repository"):
        run(system, "chrony")


@pytest.mark.parametrize("how", ["a package half configured", "the database half written"])
def test_an_interrupted_dpkg_is_repaired_first(run, packages, how):
    system = System()
    system.installed["chrony"] = ("4.3", "iF " if how.startswith("a") else "ii ")
    if how.startswith("the"):
        packages.DPKG_UPDATES.mkdir()
        packages.DPKG_UPDATES.joinpath("0001").touch()
    assert run(system, "chrony", check=True)["changed"] is True
    assert system.commands == []
    assert run(system, "chrony")["changed"] is True
    assert system.verbs[0] == "--configure"


def test_a_package_of_which_dpkg_lost_files_is_installed_anew(run):
    system = System()
    system.installed |= {"chrony": ("4.3", "iU "), "libchrony": ("4.3", "iUR")}
    system.failures = [(1, "", "dpkg: error processing package libchrony: very bad inconsistent state")]
    run(system, "chrony")
    assert system.verbs[:3] == ["--configure", "install", "--configure"]
    assert {"--reinstall", "libchrony"} <= set(system.commands[1])


def test_a_repair_that_fails_though_nothing_is_lost_is_told(run):
    system = System()
    system.installed["chrony"] = ("4.3", "iF ")
    system.failures = [(1, "", "its script failed")]
    with pytest.raises(HostError, match=r"cannot repair an interrupted dpkg.*its script failed"):
        run(system, "chrony")


def test_a_held_lock_is_waited_for(run):
    system = System()
    system.failures = [(100, "", "E: Could not get lock /var/lib/apt/lists/lock")] * 2
    assert run(system, "chrony")["changed"] is True
    assert system.verbs == ["install"] * 3


def test_a_package_the_bundle_lacks_is_named_with_the_remedy(run):
    system = System()
    system.failures = [(100, "", "E: Unable to locate package hello")]
    with pytest.raises(HostError, match=r"has no package hello; add it to versions/components\.yml"):
        run(system, "hello")


def test_versions_and_options_are_no_package_names(packages):
    for name in ("chrony=4.3", "--allow-unauthenticated", "Chrony"):
        with pytest.raises(HostError, match="is no package name"):
            packages.Packages([name], System().run, check_mode=True)
