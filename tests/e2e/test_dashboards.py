"""Dashboards in a browser that reaches the lab and nothing else: every panel shows data, and nothing else is asked.

Pictures of all of them are left in ``test-output/screenshots``, which is there when the lab is gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from amalgam.models.registry import ADMINISTRATOR
from amalgam.monitoring.dashboards import Dashboard, load, with_values
from amalgam.secrets import CA_FILE
from amalgam.services import address
from tests.e2e.support import monitoring_web
from tests.e2e.support.browser import Browser, Seen
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.logs import Logs
from tests.e2e.support.monitoring import Monitoring
from tests.e2e.support.nodes import Lab
from tests.e2e.support.tenants import GPU, Person
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

# As inventories/lab/group_vars/all/tenants.yml has them.
VC, DEVELOPER = "vision", "alice"
# Rates need several readings of a new container.
_SECONDS = 240.0
# Panels of which nothing is found where all is well.
_NOTHING_WRONG = {"Nodes not ready", "Targets without answer"}


@dataclass(frozen=True)
class Work:
    """A job that runs and has a chip."""

    job: str
    node: str


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Work]:
    """A job in a VC, so that the pages of chips, VCs and jobs have something to show."""
    person, job = Person(cluster, DEVELOPER, VC), f"dashboards-{secrets.token_hex(3)}"
    made = person.creates(person.job(job, 1, {GPU: "1"}), really=True)
    assert made.rc == 0, made.output
    try:
        pods = f"--namespace {VC} --selector batch.kubernetes.io/job-name={job}"

        def running() -> str:
            found = cluster.get(f"pods {pods}")["items"]
            return next((pod["spec"]["nodeName"] for pod in found if pod["status"]["phase"] == "Running"), "")

        yield Work(job, wait_until(f"{job} runs", running, seconds=120))
    finally:
        cluster.kubectl(f"--namespace {VC} delete job {job} --wait=false")


@pytest.fixture(scope="module")
def browser(lab: Lab) -> Browser:
    """A browser in the namespace of the lab's bridge, from which no way leads out."""
    site = lab.site
    (host,) = lab.members("management")
    user = f"{ADMINISTRATOR}:{monitoring_web.passwords(site)[ADMINISTRATOR]}"
    return Browser(
        folder=ROOT / "test-output" / "screenshots",
        namespace=lab.names.network,
        authority=site.state_dir.resolve() / CA_FILE,
        host_rules=f"MAP {address(site, 'monitoring').partition(':')[0]} {lab.node(host).address}, MAP * ~NOTFOUND",
        sign_in=f"https://{user}@{address(site, 'monitoring')}/favicon.svg",
    )


@pytest.fixture(scope="module")
def chosen(work: Work) -> dict[str, dict[str, str]]:
    """Dashboard → a selection that has something of everything."""
    return {
        "cluster": {},
        "node": {"node": work.node},
        "chip": {},
        "vc": {"vc": VC},
        "job": {"vc": VC, "job": work.job},
    }


@pytest.fixture(scope="module")
def addresses(lab: Lab, chosen: dict[str, dict[str, str]]) -> dict[str, str]:
    """Dashboard → its address."""
    page = f"{monitoring_web.url(lab.site)}/"
    return {dashboard: f"{page}#{dashboard}?{urlencode(values)}" for dashboard, values in chosen.items()}


@pytest.fixture(scope="module")
def seen(browser: Browser, addresses: dict[str, str]) -> dict[str, Seen]:
    """All dashboards, once the job has been measured for long enough."""

    def measured(found: dict[str, Seen]) -> bool:
        return set(found["job"].panels.values()) == {"data"}

    job, found = {"job": addresses["job"]}, dict[str, Seen]()
    wait_until("the job's page shows data", lambda: browser.open(job), measured, seconds=_SECONDS)

    def look() -> dict[str, dict[str, str]]:
        found.update(browser.open(addresses))
        return _without_data(found)

    # A scrape that was missed leaves a gap until the next one.
    wait_until("every panel shows data", look, lambda without: not any(without.values()), seconds=60)
    return found


def _without_data(seen: dict[str, Seen]) -> dict[str, dict[str, str]]:
    """Dashboard → its panels that show no data, each with what it says."""
    return {
        dashboard: {title: page.messages.get(title, state) for title, state in page.panels.items() if state != "data"}
        for dashboard, page in seen.items()
    }


def test_every_panel_shows_data(seen: dict[str, Seen]) -> None:
    assert _without_data(seen) == {dashboard: {} for dashboard in seen}
    assert all(page.panels for page in seen.values())


def _silent(monitoring: Monitoring, dashboard: Dashboard, values: dict[str, str]) -> dict[str, str]:
    """Panel → its query that finds nothing, for which no 0 stands in; all are asked at once."""
    queries = [(panel.title, query.expr) for panel in dashboard.panels for query in panel.queries]
    asked = [(title, with_values(expr, values).replace(" or vector(0)", "")) for title, expr in queries]
    counted = [f'label_replace(count({expr}), "query", "{at}", "", "")' for at, (_, expr) in enumerate(asked)]
    found = {one["metric"]["query"] for one in monitoring.query(" or ".join(counted))}
    return {title: expr for at, (title, expr) in enumerate(asked) if str(at) not in found}


def test_every_query_finds_something(seen: dict[str, Seen], chosen: dict[str, dict[str, str]], lab: Lab) -> None:
    """A panel shows data as soon as one of its queries does, or a 0 stands in."""
    monitoring, dashboards = Monitoring(lab), load(ROOT / "templates" / "dashboards")
    assert set(dashboards) == set(seen)
    for name, dashboard in dashboards.items():
        wait_until(
            f"all queries of {name} find something",
            lambda dashboard=dashboard, name=name: _silent(monitoring, dashboard, chosen[name]),
            lambda silent: silent.keys() <= _NOTHING_WRONG,
            seconds=60,
        )


def test_no_request_fails_and_none_goes_elsewhere(seen: dict[str, Seen], lab: Lab) -> None:
    assert {host for page in seen.values() for host in page.hosts()} == {address(lab.site, "monitoring")}
    assert [failed for page in seen.values() for failed in page.failed] == []


def test_the_browser_has_nothing_to_complain_of(seen: dict[str, Seen]) -> None:
    assert [line for page in seen.values() for line in page.console] == []


def test_the_pictures_are_kept(seen: dict[str, Seen], browser: Browser) -> None:
    assert {file.stem for file in browser.folder.glob("*.png")} >= set(seen)


def test_the_pages_of_the_services_behind_it_open_too(browser: Browser, lab: Lab) -> None:
    page = monitoring_web.url(lab.site)
    wanted = {
        "prometheus": (f"{page}/prometheus/graph?g0.expr=up", "up{instance="),
        "logs": (f"{page}/logs/select/vmui/", "Query"),
        "logs-of-vc": (f"{page}/logs/vc/{VC}/select/vmui/", "Query"),
    }
    pages = {name: address for name, (address, _) in wanted.items()}
    scripts = {name: _FOUND.replace("ANSWER", shown) for name, (_, shown) in wanted.items()}
    opened = browser.open(pages, scripts, panels=False)

    assert [failed for one in opened.values() for failed in one.failed] == []
    assert {name: one.answer for name, one in opened.items()} == dict.fromkeys(wanted, True)


_FOUND = """return (async () => {
  const found = () => document.body.innerText.includes("ANSWER");
  for (let turn = 0; turn < 150 && !found(); turn += 1) await new Promise((done) => setTimeout(done, 100));
  return found();
})()"""


def test_the_page_of_logs_finds_a_line_when_it_searches(
    browser: Browser, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs, asked, answer = Logs(lab, tmp_path_factory.mktemp("logs")), *(secrets.token_hex(6) for _ in range(2))
    logs.host.run(f"logger --tag amalgam-test {asked} {answer}")
    # In which time a line is found, test_logs says.
    logs.await_line(asked, "--source", "journal", seconds=60)
    page = {"logs-search": f"{logs.url}/select/vmui/#/?{urlencode({'query': asked})}"}
    seen = browser.open(page, {"logs-search": _FOUND.replace("ANSWER", answer)}, panels=False)["logs-search"]

    assert seen.answer, f"{answer} is not on the page: {browser.folder / 'logs-search.png'}"
    assert seen.failed == []
    assert seen.hosts() == {address(lab.site, "monitoring")}


_SILENCE = """return (async () => {
  const until = async (look) => {
    for (let turn = 0; turn < 100 && !look(); turn += 1) await new Promise((done) => setTimeout(done, 100));
  };
  const all = () => [...document.querySelectorAll("#silences li")];
  const held = () => all().filter((item) => item.innerText.includes("COMMENT"));
  document.querySelector("#comment").value = "COMMENT";
  document.querySelector("#silence button").click();
  await until(() => held().length);
  const made = (await (await fetch("/alertmanager/api/v2/silences")).json()).filter((one) => one.comment === "COMMENT");
  held()[0]?.querySelector("button").click();
  await until(() => !held().length);
  return [made, held().length, document.querySelector("#status").textContent];
})()"""


def test_a_silence_is_made_and_ended_on_the_page_that_mails_lead_to(browser: Browser, lab: Lab) -> None:
    comment = f"canary-{secrets.token_hex(4)}"
    page = {"silences": f"{monitoring_web.url(lab.site)}/silences.html?alertname=Nothing&node={comment}&"}
    seen = browser.open(page, {"silences": _SILENCE.replace("COMMENT", comment)}, panels=False)["silences"]

    (made,), left, said = seen.answer
    assert {one["name"]: one["value"] for one in made["matchers"]} == {"alertname": "Nothing", "node": comment}
    assert made["createdBy"] == ADMINISTRATOR
    assert (left, said.split()[0]) == (0, "ended")
    assert seen.console + seen.failed == []
    assert seen.hosts() == {address(lab.site, "monitoring")}
