"""The cluster does what a cluster is for: nodes, Services, DNS, network policies, images of its own registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from amalgam.pins import load_lock
from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster, pod_template, service
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(420)

WEB = {"app": "web"}
CLIENT = {"app": "client"}
STRANGER = {"app": "stranger"}
_ASKED = 24


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """Four web servers spread over all workers, behind a Service, a client on each worker, and a stranger."""
    with cluster.namespace("cluster") as name:
        spread = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                # Else the control plane, whose taint keeps the pods away, would count as a place without any.
                "nodeTaintsPolicy": "Honor",
                "labelSelector": {"matchLabels": WEB},
            }
        ]
        web = pod_template(
            cluster.image_of_tests(), ["netexec", "--http-port=8080"], WEB, topologySpreadConstraints=spread
        )
        client = pod_template(cluster.image_of_tests(), ["netexec", "--http-port=8080"], CLIENT)
        stranger = pod_template(cluster.image_of_tests(), ["pause"], STRANGER)
        cluster.apply(
            name,
            _workload("Deployment", "web", WEB, web, replicas=4),
            _workload("DaemonSet", "client", CLIENT, client),
            _workload("Deployment", "stranger", STRANGER, stranger, replicas=1),
            service("web", WEB, 80, 8080),
        )
        for workload in ("deployment/web", "daemonset/client", "deployment/stranger"):
            cluster.wait(name, f"rollout status {workload}")
        yield name


def _workload(kind: str, name: str, labels: dict[str, str], template: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def _pods(cluster: Cluster, namespace: str, labels: dict[str, str]) -> dict[str, str]:
    """Pod -> node, of the pods with the labels."""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = cluster.get(f"pods --namespace {namespace} --selector {selector}")["items"]
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods}


def _in_pod(cluster: Cluster, namespace: str, pod: str, command: str) -> tuple[int, str]:
    done = cluster.kubectl(f"--namespace {namespace} exec {pod} -- {command}", check=False, seconds=60)
    return done.rc, done.output


def _connects(cluster: Cluster, namespace: str, pod: str, endpoint: str = "web:80") -> bool:
    return _in_pod(cluster, namespace, pod, f"/agnhost connect --timeout=2s {endpoint}")[0] == 0


def _connections(cluster: Cluster, namespace: str, pod: str) -> list[str]:
    """Addresses of the web servers that the pod reaches; all are tried at once."""
    found = cluster.get(f"pods --namespace {namespace} --selector app=web")["items"]
    endpoints = [f"{one['status']['podIP']}:8080" for one in found]
    with ThreadPoolExecutor(len(endpoints)) as pool:
        reached = pool.map(lambda endpoint: _connects(cluster, namespace, pod, endpoint), endpoints)
        return [endpoint for endpoint, connects in zip(endpoints, reached, strict=True) if connects]


def test_every_node_of_the_inventory_is_ready_at_the_locked_version(cluster: Cluster) -> None:
    wanted = "v" + load_lock().version("kubernetes")
    versions = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in cluster.get("nodes")["items"]
    }

    assert versions == {node.name: wanted for node in cluster.lab.cluster_nodes()}
    assert set(cluster.readiness().values()) == {"True"}
    assert json.loads(cluster.kubectl("version --output json").stdout)["serverVersion"]["gitVersion"] == wanted


def test_a_deployment_spreads_over_every_worker(cluster: Cluster, namespace: str) -> None:
    assert set(_pods(cluster, namespace, WEB).values()) == set(cluster.lab.members("workers"))


def test_a_service_answers_from_every_node_with_pods_of_every_worker(cluster: Cluster, namespace: str) -> None:
    address = cluster.get(f"service web --namespace {namespace}")["spec"]["clusterIP"]
    pods = _pods(cluster, namespace, WEB)
    # A connection each: a Service picks its pod by connection.
    options = "--silent --show-error --fail --max-time 5 --header 'Connection: close' --write-out '\\n'"
    ask = f"curl {options} 'http://{address}/hostname?[1-{_ASKED}]'"
    workers = set(cluster.lab.members("workers"))

    # Each node learns by itself who is behind it.
    for node in cluster.lab.cluster_nodes():
        wait_until(
            f"every worker answers to {node.name}",
            lambda node=node: {pods[pod] for pod in node.run(ask).stdout.split()},
            lambda answered: answered == workers,
            seconds=60,
        )


def test_a_service_answers_by_its_name_from_pods_on_every_worker(cluster: Cluster, namespace: str) -> None:
    web, clients = _pods(cluster, namespace, WEB), _pods(cluster, namespace, CLIENT)
    workers = set(cluster.lab.members("workers"))
    # The test program in the client asks the Service and says who answered.
    dial = f"dial?protocol=http&request=hostname&host=web&port=80&tries={_ASKED}"

    def answers(client: str) -> set[str]:
        said = cluster.kubectl(f"get --raw '/api/v1/namespaces/{namespace}/pods/{client}:8080/proxy/{dial}'").stdout
        return {web.get(pod, pod) for pod in json.loads(said)["responses"]}

    assert set(clients.values()) == workers
    for client, worker in clients.items():
        wait_until(
            f"every worker answers to {client} on {worker}",
            lambda client=client: answers(client),
            lambda answered: answered == workers,
            seconds=60,
        )


@pytest.mark.parametrize(
    "target", ["web:80", "web.{namespace}:80", "kubernetes.default:443", "kube-dns.kube-system.svc.{domain}:53"]
)
def test_dns_resolves_services_in_the_own_namespace_and_in_others(
    cluster: Cluster, namespace: str, target: str
) -> None:
    endpoint = target.format(namespace=namespace, domain=cluster.lab.site.settings.network_dns_domain)

    for client, worker in _pods(cluster, namespace, CLIENT).items():
        rc, said = _in_pod(cluster, namespace, client, f"/agnhost connect --timeout=5s {endpoint}")
        assert rc == 0, f"{client} on {worker} does not reach {endpoint}: {said}"


def test_dns_says_at_once_that_a_name_outside_does_not_exist(cluster: Cluster, namespace: str) -> None:
    for client in _pods(cluster, namespace, CLIENT):
        rc, said = _in_pod(cluster, namespace, client, "/agnhost connect --timeout=4s amalgam.example.com:80")

        assert rc != 0
        assert "DNS" in said, f"not refused by the name server: {said}"


def test_a_default_deny_policy_blocks_and_an_allow_policy_opens(cluster: Cluster, namespace: str) -> None:
    client, stranger = (next(iter(_pods(cluster, namespace, labels))) for labels in (CLIENT, STRANGER))
    for pod in (client, stranger):
        wait_until(f"{pod} connects", lambda pod=pod: _connects(cluster, namespace, pod), seconds=30)

    deny = _policy("default-deny", {}, [])
    allow = _policy("allow-clients", WEB, [{"from": [{"podSelector": {"matchLabels": CLIENT}}]}])
    cluster.apply(namespace, deny)
    # Each node sees to it for its own pods.
    for pod in (client, stranger):
        wait_until(
            f"default-deny blocks {pod}",
            lambda pod=pod: _connections(cluster, namespace, pod),
            lambda open_ones: open_ones == [],
            seconds=60,
        )

    cluster.apply(namespace, allow)
    wait_until("the allow policy opens", lambda: _connects(cluster, namespace, client), seconds=30)
    assert not _connects(cluster, namespace, stranger)

    cluster.kubectl(f"--namespace {namespace} delete networkpolicy default-deny allow-clients")
    wait_until("without policies all is open", lambda: _connects(cluster, namespace, stranger), seconds=30)


def _policy(name: str, labels: dict[str, str], ingress: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": ingress},
    }


def test_every_pod_runs_images_of_the_lock_from_the_labs_registry(cluster: Cluster) -> None:
    lock = load_lock()
    allowed = {f"{cluster.lab.registry}/{pin.repository}:{pin.tag}" for pin in lock.images.values()}
    wanted = {
        container["image"]
        for pod in cluster.get("pods --all-namespaces")["items"]
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for container in pod["spec"].get(kind, [])
    }

    assert wanted
    assert wanted - allowed == set()


def test_no_node_holds_an_image_from_elsewhere(lab: Lab, namespace: str) -> None:
    assert namespace
    for node in lab.cluster_nodes():
        names = set(node.run("ctr --namespace k8s.io images list --quiet").stdout.split())
        # containerd's CRI gives each image a further name, its bare digest.
        foreign = {name for name in names if not name.startswith((f"{lab.registry}/", "sha256:"))}
        assert names, f"{node.name} holds no image at all"
        assert foreign == set(), f"{node.name} holds {foreign}"


def test_the_kubeconfig_of_the_lab_works_from_this_machine(lab: Lab, tmp_path: Path) -> None:
    machine = "arm64" if lab.state.nodes[lab.members("control_plane")[0]].architecture == "arm64" else "amd64"
    kubectl = ROOT / ".lab" / "bundle" / "files" / machine / "kubectl"

    ask = [str(kubectl), "--kubeconfig", str(lab.names.kubeconfig), "--cache-dir", str(tmp_path)]
    listed = run_local([*ask, "get", "nodes", "--output", "name"])

    assert set(listed.stdout.split()) == {f"node/{node.name}" for node in lab.cluster_nodes()}


def test_the_state_of_the_lab_is_told_to_programs_and_nothing_is_left_at_home(lab: Lab, tmp_path: Path) -> None:
    ask = [program("amalgam"), "lab", "status", "--json"]
    said = wait_until(
        "the lab is up",
        lambda: json.loads(run_local(ask, env={"HOME": str(tmp_path)}).stdout),
        lambda said: (said["state"], said["cluster"]) == ("up", "answers"),
        # Until the next turn of a timer whose unit has failed once.
        seconds=60,
    )
    assert {entry["name"] for entry in said["nodes"]} == {host.name for host in lab.site.hosts}
    assert list(tmp_path.iterdir()) == []
