"""Everybody sees what is theirs on the monitoring's pages, strangers see nothing, and nobody changes anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

from amalgam.models.registry import ADMINISTRATOR
from amalgam.monitoring.alerts import alerts
from amalgam.services import address
from tests.e2e.support import monitoring_web
from tests.testinfra.http import HANDSHAKE_FAILED, UNKNOWN_AUTHORITY, refusal_of_old_tls, status
from tests.testinfra.site_facts import SiteFacts

# As inventories/lab/group_vars/all/tenants.yml has them: alice is of vision, dave of nlp.
MEMBER, STRANGER = "alice", "dave"
QUERY = "select/logsql/query?query=*&limit=1"

Answers = Callable[..., str]


@pytest.fixture(scope="module")
def web(connect: Callable[[str], Host], facts: SiteFacts) -> Host:
    """The host that serves it."""
    return connect(facts.names("management")[0])


@pytest.fixture(scope="module")
def url(facts: SiteFacts) -> str:
    """Its address, without a path."""
    return monitoring_web.url(facts.site)


@pytest.fixture(scope="module")
def answers(web: Host, facts: SiteFacts, url: str) -> Answers:
    """Status of a path to somebody: ``answers("/", "alice")``; the network is that host's own."""
    known = monitoring_web.passwords(facts.site)
    resolve = f"{address(facts.site, 'monitoring')}:{facts.address(facts.names('management')[0])}"

    def ask(path: str, user: str = "", *options: str) -> str:
        login = ("--user", f"{user}:{known[user]}") if user else ()
        return status(web, f"{url}{path}", "--path-as-is", "--resolve", resolve, *login, *options)

    return ask


@pytest.mark.parametrize("path", ["/", "/dashboards.json", "/prometheus/api/v1/query?query=up", "/runbooks/README.md"])
def test_who_has_not_signed_in_sees_nothing(answers: Answers, path: str) -> None:
    assert answers(path) == "401"
    assert answers(path, "", "--user", "amalgam:wrong") == "401"


@pytest.mark.parametrize("path", ["/", "/app.js", "/dashboards.json", "/javascript/dygraphs/dygraph.min.js"])
def test_everybody_who_signs_in_sees_the_dashboards(answers: Answers, path: str) -> None:
    assert {answers(path, user) for user in (ADMINISTRATOR, MEMBER)} == {"200"}


def test_the_page_that_the_mail_of_each_alert_leads_to_opens(answers: Answers) -> None:
    """All of them are asked for by one curl."""
    names = alerts().keys()
    said = answers(f"/runbooks/{{{','.join(names)}}}.md", MEMBER, "--write-out", r"%{http_code} %{url_effective}\n")
    opened = [line.rpartition("/")[2].removesuffix(".md") for line in said.splitlines() if line.startswith("200 ")]
    assert set(opened) == names


def test_an_unknown_path_is_not_there(answers: Answers) -> None:
    assert answers("/nothing", ADMINISTRATOR) == "404"


def test_prometheus_answers_queries(answers: Answers) -> None:
    assert answers("/prometheus/api/v1/query?query=up", MEMBER) == "200"
    assert answers("/prometheus/api/v1/query", MEMBER, "--data", "query=up") == "200"
    assert answers("/prometheus/classic/graph", MEMBER) == "200"


@pytest.mark.parametrize(
    "path",
    [
        "/prometheus/api/v1/admin/tsdb/delete_series?match[]=up",
        "/prometheus/api/v1/query/../admin/tsdb/snapshot",
        "/prometheus/api/v1/write",
        "/prometheus/api/v1/status/config",
        "/prometheus/config",
        "/prometheus/-/reload",
        "/prometheus/federate?match[]=up",
        "/logs/internal/select/query",
        "/logs/delete/run_task",
        "/logs/insert/jsonline",
    ],
)
def test_what_changes_or_tells_too_much_is_not_there_even_for_administrators(answers: Answers, path: str) -> None:
    assert answers(path, ADMINISTRATOR, "--data", "") == "404"


def test_alerts_are_the_administrators_to_silence(answers: Answers) -> None:
    for path in ("/alertmanager/api/v2/silences", "/silences.html"):
        assert (answers(path, ADMINISTRATOR), answers(path, MEMBER), answers(path)) == ("200", "401", "401")


def test_the_logs_of_a_vc_are_for_its_members_and_the_administrators(answers: Answers) -> None:
    asked = {user: answers(f"/logs/vc/vision/{QUERY}", user) for user in (ADMINISTRATOR, MEMBER, STRANGER)}
    assert asked == {ADMINISTRATOR: "200", MEMBER: "200", STRANGER: "401"}
    assert answers(f"/logs/vc/nowhere/{QUERY}", ADMINISTRATOR) == "401"


@pytest.mark.parametrize(
    "path", [f"/logs/{QUERY}", f"/logs/vc/vision/../../{QUERY}", f"/logs/vc/nlp/../vision/../nlp/{QUERY}"]
)
def test_a_member_gets_out_of_the_vc_by_no_path(answers: Answers, path: str) -> None:
    assert answers(path, MEMBER) == "401"


def test_logs_are_sent_by_writers_alone(answers: Answers) -> None:
    line = ("--data", "{}", "--header", "Content-Type: application/stream+json")
    assert {answers("/insert/jsonline", user, *line) for user in ("", ADMINISTRATOR, MEMBER)} == {"401"}


def test_the_page_is_kept_to_itself_by_the_browser(web: Host, url: str, facts: SiteFacts) -> None:
    resolve = f"{address(facts.site, 'monitoring')}:{facts.address(facts.names('management')[0])}"
    login = f"{MEMBER}:{monitoring_web.passwords(facts.site)[MEMBER]}"
    command = "curl --silent --insecure --http1.1 --head --resolve %s --user %s %s/"
    headers = {
        line.partition(":")[0].lower(): line.partition(":")[2].strip()
        for line in web.check_output(command, resolve, login, url).splitlines()
    }
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_another_authority_is_not_believed_and_old_tls_not_spoken(web: Host, url: str) -> None:
    assert web.run("curl --silent %s/", url).rc == UNKNOWN_AUTHORITY
    assert refusal_of_old_tls(web, f"{url}/") == HANDSHAKE_FAILED


def test_secrets_are_for_those_who_need_them(web: Host) -> None:
    key = web.file("/etc/amalgam/pki/monitoring-web.key")
    assert (key.mode, key.user) == (0o600, "root")
    found = web.check_output("find /etc/amalgam/monitoring-web -type f -exec stat --format '%a %U %G' {} +")
    assert set(found.splitlines()) == {"640 root www-data"}


def test_what_is_behind_it_is_reached_from_its_own_host_only(web: Host) -> None:
    for port in (9090, 9093, 9428):
        assert web.socket(f"tcp://127.0.0.1:{port}").is_listening
        assert not web.socket(f"tcp://0.0.0.0:{port}").is_listening
