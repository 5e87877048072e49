"""A host of the site: its name, whom it trusts, its clock, and where its packages come from."""

from __future__ import annotations

from testinfra.host import Host

from tests.e2e.support.waiting import wait_until
from tests.testinfra.site_facts import CA, SiteFacts


def _name(host: Host) -> str:
    return str(host.backend.get_hostname())


def test_a_host_has_the_name_of_the_inventory(each_host: Host, facts: SiteFacts) -> None:
    assert each_host.check_output("hostname") == _name(each_host)
    assert each_host.check_output("hostname --fqdn") == facts.fqdn(_name(each_host))
    assert each_host.check_output("cat /etc/hostname") == _name(each_host)


def test_a_host_finds_the_services_of_the_site_without_dns(each_host: Host, facts: SiteFacts) -> None:
    server = facts.address(facts.names("bundle_server")[0])
    storage = facts.address(facts.names("storage")[0])
    for name, address in (("bundle", server), ("registry", server), ("objects", storage), ("api", "127.0.0.1")):
        assert each_host.check_output("getent ahostsv4 %s", facts.fqdn(name)).split()[0] == address


def test_a_hosts_file_does_not_grow_with_the_site(each_host: Host, facts: SiteFacts) -> None:
    words = each_host.check_output("cat /etc/hosts").split()
    assert [name for name in facts.names() if name in words] == [_name(each_host)]


def test_chrony_runs_and_leaves_a_clock_alone_that_is_not_its_own(each_host: Host, facts: SiteFacts) -> None:
    assert each_host.service("chrony").is_running
    assert each_host.service("chrony").is_enabled
    arguments = [process.args.split() for process in each_host.process.filter(comm="chronyd")]
    assert arguments
    assert all(("-x" in words) is (facts.site.lab is not None) for words in arguments)


def test_packages_come_from_the_bundle_alone(each_host: Host, facts: SiteFacts) -> None:
    files = each_host.check_output("find /etc/apt -name '*.list' -size +0 -o -name '*.sources'").splitlines()
    assert files == ["/etc/apt/sources.list.d/amalgam.sources"]
    sites = each_host.check_output("apt-get indextargets --format '$(REPO_URI)'").split()
    assert sites
    # The bundle server itself is installed before it serves anything.
    is_server = _name(each_host) in facts.names("bundle_server")
    start = "file:/srv/amalgam/bundle/debian/" if is_server else f"https://{facts.bundle}/debian/"
    assert [site for site in sites if not site.startswith(start)] == []


def test_a_host_trusts_the_sites_authority_for_packages_only_by_its_file(each_host: Host) -> None:
    certificate = each_host.file(CA)
    assert (certificate.mode, certificate.user) == (0o644, "root")
    assert each_host.run(f"openssl x509 -in {CA} -noout -checkend 2592000").rc == 0, "ends within 30 days"
    assert f'Acquire::https::CAInfo "{CA}";' in each_host.check_output("apt-config dump")


def test_the_kernel_has_the_settings_of_the_site(each_host: Host, facts: SiteFacts) -> None:
    assert facts.sysctls()
    assert {name: each_host.sysctl(name) for name in facts.sysctls()} == facts.sysctls()


def test_no_unit_of_a_host_has_failed(each_host: Host) -> None:
    wait_until(
        "no unit has failed",
        lambda: each_host.check_output("systemctl list-units --failed --plain --no-legend"),
        lambda listed: listed == "",
        # Until the next turn of a timer whose unit has failed once.
        seconds=60,
    )


def test_the_clock_shows_the_time_of_the_site(each_host: Host, facts: SiteFacts) -> None:
    assert each_host.check_output("realpath /etc/localtime") == each_host.check_output(
        "realpath %s", f"/usr/share/zoneinfo/{facts.site.settings.site_timezone}"
    )
