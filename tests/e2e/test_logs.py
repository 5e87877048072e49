"""Logs of three levels: found within seconds by those who may see them, by nobody else, and through every restart."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from amalgam.lab.environment import environment
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.logs import Line, Logs
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.tenants import Person
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

# Members of two VCs, as inventories/lab has them.
ALICE, A = "alice", "vision"
DAVE, B = "dave", "nlp"
NUMBERED = 2000
"""Lines that are written while something restarts."""
FOUND_WITHIN = 10.0
"""Seconds within which every line is found: also the first one after a silence."""
SILENCE = 14.5
"""Seconds of silence after which the agent, as its makers have it, does not look at a file for ten seconds more."""


@pytest.fixture(scope="module")
def logs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """The site's logs."""
    if not lab.members("management"):
        pytest.skip("the site keeps no logs")
    return Logs(lab, tmp_path_factory.mktemp("logs"))


@pytest.fixture
def token() -> str:
    """What no other line has in it."""
    return f"canary-{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
def talker(cluster: Cluster) -> Iterator[str]:
    """A pod of alice's VC that has said something."""
    name = f"talker-{secrets.token_hex(3)}"
    person = Person(cluster, ALICE, A)
    made = person.creates(person.pod(name, terminationGracePeriodSeconds=0), really=True)
    assert made.rc == 0, made.output
    try:
        cluster.wait(A, f"wait --for=condition=Ready pod/{name}")
        yield name
    finally:
        cluster.kubectl(f"delete pod {name} --namespace {A} --ignore-not-found --wait=false")


@contextmanager
def _generator(cluster: Cluster, topic: str, lines: int, seconds: int) -> Iterator[str]:
    """A pod in a namespace of its own that prints so many numbered lines, and is done; gives the query for them."""
    arguments = ["logs-generator", f"--log-lines-total={lines}", f"--run-duration={seconds}s"]
    with cluster.namespace(topic) as namespace:
        spec = pod_template(cluster.image_of_tests(), arguments, {"app": topic}, restartPolicy="Never")["spec"]
        cluster.apply(namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "generator"}, "spec": spec})
        yield f'{{kubernetes.pod_namespace="{namespace}"}} log:=pods'


def test_a_line_of_a_container_is_found(logs: Logs, cluster: Cluster, talker: str) -> None:
    line = logs.await_line("--vc", A, "--source", "pods", "--pod", talker, user=ALICE)
    pod = cluster.get(f"pod {talker} --namespace {A}")
    assert line["node"] == pod["spec"]["nodeName"]
    assert line["cluster"] == logs.lab.site.settings.site_name
    assert (line["log"], line["kubernetes.pod_namespace"]) == ("pods", A)


def test_a_line_of_every_host_s_units_is_found(logs: Logs, token: str) -> None:
    for node in logs.lab.nodes():
        node.run(f"logger --tag amalgam-test {token}")
    wanted = {node.name for node in logs.lab.nodes()}
    wait_until(
        "every host's line is found",
        lambda: {line["node"] for line in logs.search(token, "--source", "journal")},
        lambda seen: seen == wanted,
        seconds=FOUND_WITHIN,
    )


@pytest.mark.parametrize("silence", [0.0, SILENCE])
def test_a_request_to_the_api_server_is_found(logs: Logs, cluster: Cluster, token: str, silence: float) -> None:
    # None is a part of the other: what is looked for may stand anywhere in a line.
    for name, before in ((f"{token}-one", 0.0), (f"{token}-two", silence)):
        time.sleep(before)
        cluster.kubectl(f"get configmap {name} --as {ALICE} --namespace {A}", check=False)
        line = logs.await_line(name, "--source", "audit", seconds=FOUND_WITHIN)
    assert line["impersonatedUser.username"] == ALICE
    assert line["node"] in logs.lab.members("control_plane")


def test_a_line_of_a_unit_that_was_silent_is_found(logs: Logs, lab: Lab, token: str) -> None:
    worker = lab.node(lab.members("workers")[0])
    for line, silence in ((f"{token}-one", 0.0), (f"{token}-two", SILENCE)):
        time.sleep(silence)
        worker.run(f"logger --tag amalgam-test {line}")
        logs.await_line(line, "--source", "journal", seconds=FOUND_WITHIN)


def _await_lines(logs: Logs, query: str, number: int) -> list[Line]:
    found, enough = (lambda: logs.search("--logsql", query)), (lambda lines: len(lines) == number)
    return wait_until(f"{number} lines of {query}", found, enough, seconds=60)


def test_a_line_of_a_container_that_was_silent_is_found(logs: Logs, cluster: Cluster) -> None:
    lines = 3
    with _generator(cluster, "logs-silence", lines, round(lines * SILENCE)) as query:
        for number in range(1, lines + 1):
            said = max(datetime.fromisoformat(line["_time"]) for line in _await_lines(logs, query, number))
            assert (datetime.now(UTC) - said).total_seconds() < FOUND_WITHIN, f"line {number}"


def test_a_line_that_the_api_server_prints_is_found(logs: Logs, cluster: Cluster, token: str) -> None:
    # It prints why it refuses a token: here one whose account is gone, which it names.
    cluster.kubectl(f"create serviceaccount {token} --namespace {A}")
    bearer = cluster.kubectl(f"create token {token} --namespace {A}").stdout.strip()
    cluster.kubectl(f"delete serviceaccount {token} --namespace {A}")
    server = cluster.control_plane
    asked = f"curl --silent --cacert /etc/kubernetes/pki/ca.crt --header @- https://{server.address}:6443/api"
    assert json.loads(server.run(asked, stdin=f"Authorization: Bearer {bearer}").stdout)["code"] == 401
    line = logs.await_line(token, "--source", "pods", "--pod", "kube-apiserver-*", seconds=FOUND_WITHIN)
    assert token in line["err"]
    assert token in logs.run(token, "--source", "pods", "--pod", "kube-apiserver-*").stdout


@pytest.mark.parametrize("pod", ["kube-apiserver-*", "etcd-*", "kube-scheduler-*"])
def test_what_the_control_plane_says_is_there(logs: Logs, pod: str) -> None:
    assert logs.search("--vc", "kube-system", "--pod", pod, "--since", "1d", "--limit", "1")


def test_what_the_cluster_says_of_a_pod_is_found_by_the_vc_s_members(logs: Logs, talker: str) -> None:
    line = logs.await_line("--vc", A, "--source", "events", "--pod", talker, user=ALICE)
    assert line["log"] == "events"
    assert not logs.search("--vc", B, "--source", "events", "--pod", talker, user=DAVE)


def test_a_member_of_another_vc_sees_nothing_of_it(logs: Logs, talker: str) -> None:
    logs.await_line("--vc", A, "--pod", talker, user=ALICE)
    assert logs.run("--vc", A, user=DAVE).rc == 2
    assert logs.run(user=DAVE).rc == 2
    query = f'{{kubernetes.pod_namespace="{A}"}}'
    wider = [
        query,
        f"* or {query}",
        f"* | union ({query})",
        f"* | join by (log) ({query})",
        "* | stream_context before 9",
    ]
    for logsql in wider:
        seen = logs.run("--vc", B, "--logsql", logsql, "--json", user=DAVE)
        assert talker not in seen.stdout, logsql
    assert logs.search("--vc", B, "--pod", talker, user=DAVE) == []


def test_filters_of_one_s_own_and_twisted_paths_open_nothing(logs: Logs, talker: str) -> None:
    logs.await_line("--vc", A, "--pod", talker, user=ALICE)
    login = json.loads(logs.credentials(DAVE).read_text())
    (authority := logs.folder / "ca.crt").write_text(login["ca_certificate"])
    other = quote(json.dumps({"kubernetes.pod_namespace": A}))
    start = f"{logs.url}/vc/{B}/select/logsql"
    urls = [
        f"{start}/query?query=*&extra_stream_filters={other}",
        f"{start}/query?query=*&extra_filters={other}",
        # Where the path is decoded and taken over, the filter after it is cut off with the fragment.
        f"{start}/query%3fquery=%2a%23",
        f"{start}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/select/logsql/query?query=*",
        f"{logs.url}/vc/{A}/../{B}/../{A}/select/logsql/query?query=*",
    ]
    for url in urls:
        curl = ["curl", "--silent", "--path-as-is", "--globoff", "--config", "-", "--cacert", str(authority), url]
        answer = run_local(
            curl, stdin=f'user = "{login["user"]}:{login["password"]}"', env=environment(logs.lab.names), check=False
        )
        assert talker not in answer.stdout, url


def test_a_container_cannot_speak_for_another_vc(logs: Logs, cluster: Cluster, talker: str, token: str) -> None:
    # As the container runtime writes down what a program prints; the test image's own prints nothing of one's choice.
    forged = [
        {"kubernetes.pod_namespace": B},
        {"kubernetes": {"pod_namespace": B}},
        {"_stream": f'{{kubernetes.pod_namespace="{B}"}}'},
    ]
    printed = [json.dumps({"message": f"{token} forged", **fields}) for fields in forged] + [f"{token} honest"]
    node = logs.lab.node(cluster.get(f"pod {talker} --namespace {A}")["spec"]["nodeName"])
    write = 'while read -r line; do echo "$(date --utc +%Y-%m-%dT%H:%M:%S.%NZ) stdout F $line"; done'
    node.run(f"{write} >>/var/log/containers/{talker}_{A}_*.log", stdin="".join(f"{line}\n" for line in printed))
    honest = logs.await_line(f"{token} honest", "--vc", A, user=ALICE, seconds=15)
    assert honest["kubernetes.pod_name"] == talker
    assert logs.search(token, "--vc", B, user=DAVE) == []
    # The store's agent may complain of such lines in its own, which administrators alone see.
    seen = {line["kubernetes.pod_namespace"] for line in logs.search(token, "--source", "pods")}
    assert seen - {"logging"} == {A}


def test_a_unit_s_lines_survive_a_kill_of_the_store_and_restarts(logs: Logs, lab: Lab, token: str) -> None:
    worker = lab.node(lab.members("workers")[0])
    numbers = f"for n in $(seq {NUMBERED}); do echo {token} $n; sleep 0.005; done"
    writer = worker.start(f"({numbers}) | systemd-cat --identifier {token}")
    query = f'SYSLOG_IDENTIFIER:="{token}"'
    logs.await_line("--logsql", query, seconds=15)
    # What it acknowledged until now the agent no longer has.
    logs.host.run("systemctl kill --signal KILL victoria-logs")
    worker.run("systemctl restart vlagent")
    logs.host.run("systemctl stop victoria-logs")
    worker.run("systemctl restart vlagent")
    worker.run("systemctl restart systemd-journal-upload")
    logs.host.run("systemctl start victoria-logs")
    writer.wait(timeout=120)
    lines = logs.await_messages(query, NUMBERED)
    assert lines < 2 * NUMBERED


def test_a_container_s_lines_survive_restarts_of_agents_and_a_kill_of_the_store(logs: Logs, cluster: Cluster) -> None:
    with _generator(cluster, "logs-restart", 20_000, 20) as query:
        logs.await_line("--logsql", query, seconds=60)
        cluster.kubectl("--namespace logging delete pods --selector app=vlagent --wait=false")
        logs.host.run("systemctl kill --signal KILL victoria-logs")
        cluster.wait("logging", "rollout status daemonset/vlagent")
        wait_until("the store is back", lambda: logs.run("--logsql", query).rc, lambda rc: rc == 0, seconds=30)
        lines = logs.await_messages(query, 20_000, seconds=120)
        assert lines < 40_000


def test_a_killed_agent_goes_on_and_has_all_that_it_acknowledged(logs: Logs, lab: Lab, token: str) -> None:
    worker = lab.node(lab.members("workers")[0])
    logs.host.run("systemctl stop victoria-logs")
    try:
        worker.run(f"for n in $(seq {NUMBERED}); do echo {token} $n; done | systemd-cat --identifier {token}")
        ours = f"journalctl --quiet --output cat --identifier {token}"
        wait_until(
            "the journal has every line",
            lambda: len(worker.run(ours).stdout.splitlines()),
            lambda lines: lines == NUMBERED,
            seconds=30,
        )
        # The upload's position is where its last answered request ended: the kill follows at once.
        position = "sed --quiet s/^LAST_CURSOR=//p /var/lib/private/systemd/journal-upload/state"
        left = f'test -n "$({ours} --after-cursor "$({position})" --lines 1)"'
        worker.run(f"timeout 60 sh -c 'while {left}; do sleep 0.1; done' && systemctl kill --signal KILL vlagent")
        worker.run(f"logger --tag {token} {token} after it")
    finally:
        logs.host.run("systemctl start victoria-logs")
    logs.await_messages(f'SYSLOG_IDENTIFIER:="{token}"', NUMBERED + 1)


def test_what_nobody_said_is_not_found_and_says_so(logs: Logs, token: str) -> None:
    assert logs.run(token).rc == 1


def test_credentials_are_for_their_owner_alone(logs: Logs) -> None:
    file: Path = logs.credentials(ALICE)
    assert file.stat().st_mode & 0o777 == 0o600
