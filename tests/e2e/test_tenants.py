"""Tenants share a cluster, and nothing else: walls, quotas, rights and caps on the lab, and a VC's life."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.support.checkout import ROOT, program
from tests.e2e.support.cluster import Cluster, service
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.pulumi import Stack, copied_inventory, pulumi_environment
from tests.e2e.support.tenants import GPU, NPU, Person, claim, rights
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(420)

A, B = "vision", "nlp"
CLIENT, PEER, SERVER = "e2e-client", "e2e-peer", "e2e-server"
SERVICE = "service of the server"
FLOW = 8082
"""Port of the flow from one VC to the other, in the lab's data."""
BORN = "e2e-born"
"""A VC that is made, changed and deleted."""
AUDITOR = {"name": "auditor", "rules": [{"api_groups": [""], "resources": ["resourcequotas"], "verbs": ["list"]}]}
"""A role of the site's own."""
PEOPLE = {"erin": "developer", "ruth": AUDITOR["name"]}
"""Members of the VC that is made."""
NPUS = "ASCEND_VISIBLE_DEVICES"


@pytest.fixture
def alice(cluster: Cluster) -> Person:
    """Administrator of a VC."""
    return Person(cluster, "alice", A)


@pytest.fixture
def bob(cluster: Cluster) -> Person:
    """Developer there, with a cap."""
    return Person(cluster, "bob", A)


@pytest.fixture(scope="module")
def addresses(cluster: Cluster) -> Iterator[dict[str, str]]:
    """Pod -> address, of two pods in one VC and one in another that listen on port 8080; and of the Service of that.

    The one in the other listens on the port of the flow, too.
    """
    homes = {CLIENT: ("alice", A), PEER: ("alice", A), SERVER: ("dave", B)}
    try:
        for name, (user, vc) in homes.items():
            person = Person(cluster, user, vc)
            described = person.pod(name, terminationGracePeriodSeconds=0)
            if name == SERVER:
                (main,) = described["spec"]["containers"]
                words = ["netexec", f"--http-port={FLOW}", "--udp-port=-1"]
                described["spec"]["containers"].append(main | {"name": "flow", "args": words})
            made = person.creates(described, really=True)
            assert made.rc == 0, made.output
        made = Person(cluster, "dave", B).creates(service(SERVER, {"app": SERVER}, 8080, 8080), really=True)
        assert made.rc == 0, made.output
        for name, (_, vc) in homes.items():
            cluster.wait(vc, f"wait --for=condition=Ready pod/{name}")
        found = {
            name: cluster.get(f"pod {name} --namespace {vc}")["status"]["podIP"] for name, (_, vc) in homes.items()
        }
        yield found | {SERVICE: json.loads(made.stdout)["spec"]["clusterIP"]}
    finally:
        for name, (_, vc) in homes.items():
            cluster.kubectl(f"delete pod,service {name} --namespace {vc} --ignore-not-found --wait=false")


def test_a_second_up_of_all_projects_changes_nothing(lab: Lab) -> None:
    _platform(lab, "up", "--expect-no-changes")


def test_a_refresh_of_all_projects_finds_nothing_changed(lab: Lab) -> None:
    _platform(lab, "refresh", "--expect-no-changes")


def _platform(lab: Lab, *words: str) -> None:
    command = [program("amalgam"), "platform", *words, "--inventory", str(lab.inventory)]
    run_local(command, env={"KUBECONFIG": str(lab.names.kubeconfig)})


def _connects(cluster: Cluster, vc: str, pod: str, target: str) -> bool:
    command = f"--namespace {vc} exec {pod} -- /agnhost connect --timeout=2s {target}"
    return cluster.kubectl(command, check=False, seconds=60).rc == 0


def test_a_pod_reaches_its_own_vc_and_nothing_in_another_and_nothing_that_is_for_hosts(
    lab: Lab, cluster: Cluster, addresses: dict[str, str]
) -> None:
    home = lab.node(cluster.get(f"pod {CLIENT} --namespace {A}")["spec"]["nodeName"])
    # The kubelet beside it, whose firewall trusts pods; the API server, a monitor of Ceph, the dashboards.
    ports = {"control_plane": 6443, "storage": 6789, "management": 8445}
    for_hosts = [(home.address, 10250), *((lab.site.group(name)[0].address, port) for name, port in ports.items())]
    # They are up, and the pod's own node reaches them.
    tried = " ".join(f"{address}/{port}" for address, port in for_hosts)
    closed = home.run(f'for one in {tried}; do timeout 2 bash -c "exec 3<>/dev/tcp/$one" || echo $one; done').stdout
    assert closed == ""
    objects = f"{lab.site.group('storage')[0].address}:7480"
    reached = {
        (A, CLIENT, f"{addresses[PEER]}:8080"): True,
        # It is up, and who is at home reaches it.
        (B, SERVER, f"{addresses[SERVER]}:8080"): True,
        (A, CLIENT, f"{addresses[SERVER]}:8080"): False,
        (B, SERVER, f"{addresses[CLIENT]}:8080"): False,
        (B, SERVER, f"{addresses[SERVICE]}:8080"): True,
        (A, CLIENT, f"{addresses[SERVICE]}:8080"): False,
        # A flow that both list, on its port alone.
        (A, CLIENT, f"{addresses[SERVER]}:{FLOW}"): True,
        (A, CLIENT, "kubernetes.default:443"): False,
        # One VC has a flow to the objects of datasets, the other has none.
        (B, SERVER, objects): True,
        (A, CLIENT, objects): False,
        (A, CLIENT, f"{lab.site.bundle_server.address}:5000"): False,
        **{(A, CLIENT, f"{address}:{port}"): False for address, port in for_hosts},
    }

    def listens(tried: tuple[str, str, str]) -> bool:
        return wait_until(f"{tried} connects", lambda: _connects(cluster, *tried), seconds=30)

    closed_ones = [one for one, may in reached.items() if not may]
    with ThreadPoolExecutor() as pool:
        # A pod is ready before its programs listen.
        list(pool.map(listens, (one for one, may in reached.items() if may)))
        found = list(pool.map(lambda tried: _connects(cluster, *tried), closed_ones))
    assert [one for one, connects in zip(closed_ones, found, strict=True) if connects] == []


@pytest.mark.usefixtures("addresses")
def test_a_pod_looks_names_up(cluster: Cluster) -> None:
    assert _connects(cluster, B, SERVER, f"{SERVER}:8080")
    # The name is found, and what it stands for is out of reach.
    command = f"--namespace {A} exec {CLIENT} -- /agnhost connect --timeout=2s {SERVER}.{B}:8080"
    assert "TIMEOUT" in cluster.kubectl(command, check=False).output


def test_each_role_may_what_it_is_for_and_no_more(cluster: Cluster) -> None:
    may = [
        ("carol", A, "list", "pods"),
        ("carol", A, "get", "pods/log"),
        ("bob", A, "create", "jobs.batch"),
        ("bob", A, "create", "pods/exec"),
        ("bob", A, "get", "secrets"),
        ("greta", A, "create", "serviceaccounts"),
        ("greta", B, "deletecollection", "pods"),
        ("alice", A, "create", "rolebindings.rbac.authorization.k8s.io"),
        ("olga", B, "create", "rolebindings.rbac.authorization.k8s.io"),
        ("dave", B, "create", "pods"),
    ]
    may_not = [
        ("carol", A, "create", "pods"),
        ("carol", A, "get", "secrets"),
        ("bob", A, "create", "serviceaccounts"),
        ("greta", A, "create", "rolebindings.rbac.authorization.k8s.io"),
        *(
            ("alice", A, "update", wall)
            for wall in ("resourcequotas", "limitranges", "networkpolicies.networking.k8s.io")
        ),
        *(("alice", A, verb, "namespaces") for verb in ("update", "delete")),
        ("alice", A, "patch", "pods/ephemeralcontainers"),
        *(
            (user, B, "list", what)
            for user in ("alice", "bob", "carol")
            for what in ("pods", "secrets", "persistentvolumeclaims")
        ),
        ("dave", A, "list", "pods"),
        ("dave", "kube-system", "list", "pods"),
        ("dave", "kube-system", "get", "secrets"),
        ("olga", A, "list", "nodes"),
        ("stranger", A, "list", "pods"),
        ("system:serviceaccount:vision:default", B, "list", "pods"),
        ("system:serviceaccount:vision:default", A, "list", "pods"),
    ]
    assert rights(cluster, [*may, *may_not]) == {**dict.fromkeys(may, True), **dict.fromkeys(may_not, False)}


def test_an_administrator_gives_no_rights_that_he_has_not(alice: Person) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    assert "attempting to grant RBAC permissions not currently held" in alice.creates(binding).output
    binding["roleRef"]["name"] = "vc-developer"  # type: ignore[index]
    assert alice.creates(binding).rc == 0


def test_nobody_gets_at_a_host(cluster: Cluster, alice: Person) -> None:
    root = {"volumes": [{"name": "root", "hostPath": {"path": "/srv"}}]}
    outside = Person(cluster, "kubernetes-admin", "default")
    # As whom the tests are in the cluster anyway, in a namespace that is no VC: the platform's own policy answers.
    fields = ((field, {field: True}) for field in ("hostNetwork", "hostPID", "hostIPC"))
    for told, spec in (("hostPath", root), *fields):
        assert alice.creates(alice.pod(**spec)).rc != 0
        refused = _as_root(cluster, outside.pod(**spec))
        assert "host-access" in refused
        assert told in refused
    containers: list[tuple[dict[str, Any], str]] = [
        ({"securityContext": {"privileged": True}}, "a container is privileged"),
        ({"ports": [{"containerPort": 8080, "hostPort": 8080}]}, "hostPort"),
        ({"env": [{"name": NPUS, "value": "0-7"}]}, "names its chips itself"),
        ({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}, "names its chips itself"),
    ]
    for container, told in containers:
        described = outside.pod()
        described["spec"]["containers"][0] |= container
        assert told in _as_root(cluster, described)
        assert alice.creates(described).rc != 0


def test_pod_security_refuses_by_itself(cluster: Cluster, alice: Person) -> None:
    settings: list[dict[str, Any]] = [
        {"allowPrivilegeEscalation": True, "capabilities": {"drop": ["ALL"]}},
        {"allowPrivilegeEscalation": False},
        {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 0},
    ]
    for setting in settings:
        described = alice.pod()
        described["spec"]["containers"][0]["securityContext"] = setting
        refused = alice.creates(described)
        assert 'violates PodSecurity "restricted:latest"' in refused.output
        # Where that level does not hold, no policy of the platform minds.
        cluster.kubectl("create --namespace default --dry-run=server --filename -", stdin=json.dumps(described))


def test_a_pod_that_asks_for_nothing_gets_the_amounts_of_the_vc(alice: Person) -> None:
    described = alice.pod()
    del described["spec"]["containers"][0]["resources"]
    (made,) = json.loads(alice.creates(described).stdout)["spec"]["containers"]
    assert made["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }


@pytest.mark.parametrize(
    ("chips", "spec", "container", "told"),
    [
        (1, {}, {}, ""),
        (1, {}, {"env": [{"name": NPUS, "value": ""}]}, ""),
        (1, {}, {"env": [{"name": NPUS, "value": "0-7"}]}, "names its chips itself"),
        (1, {}, {"envFrom": [{"configMapRef": {"name": "some"}}]}, "(envFrom)"),
        (1, {"initContainers": [{"name": "first"}]}, {}, "with an empty value"),
        (1, {"initContainers": [{"name": "first", "env": [{"name": NPUS, "value": ""}]}]}, {}, ""),
        (0, {}, {"envFrom": [{"configMapRef": {"name": "some"}}]}, ""),
        (0, {"tolerations": [{"operator": "Exists"}]}, {}, "asks for no such chip"),
        (0, {"nodeName": "some"}, {}, "names its node"),
    ],
)
def test_no_pod_has_npus_that_it_did_not_ask_for(
    alice: Person, chips: int, spec: dict[str, Any], container: dict[str, Any], told: str
) -> None:
    described = alice.pod(limits={NPU: str(chips)} if chips else {}, **spec)
    (main,) = described["spec"]["containers"]
    for first in described["spec"].get("initContainers", []):
        first |= {key: main[key] for key in ("image", "securityContext")}
    main |= container
    done = alice.creates(described)
    assert (done.rc == 0, told in done.output) == (not told, True), done.output


def test_nobody_takes_the_traffic_of_an_address(alice: Person) -> None:
    spec = {"ports": [{"port": 443}], "externalIPs": ["10.88.0.11"]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken"}, "spec": spec}
    assert "external IPs" in alice.creates(service).output
    assert alice.creates(service | {"spec": {"ports": spec["ports"]}}).rc == 0


def _as_root(cluster: Cluster, described: dict[str, Any]) -> str:
    command = "create --namespace default --dry-run=server --filename -"
    done = cluster.kubectl(command, stdin=json.dumps(described), check=False)
    assert done.rc != 0
    return done.output


def test_an_image_of_a_registry_that_is_not_listed_is_refused(alice: Person) -> None:
    for image in ("hub.example.com/library/busybox", "busybox", f"{alice.cluster.lab.registry}.example.com/x"):
        refused = alice.creates(alice.pod(image=image))
        assert f"images of no registry of this site: {image}." in refused.output
    mounted = {"volumes": [{"name": "data", "image": {"reference": "hub.example.com/data:1"}}]}
    assert "images of no registry of this site: hub.example.com/data:1." in alice.creates(alice.pod(**mounted)).output
    assert alice.creates(alice.pod()).rc == 0


@pytest.mark.parametrize(("pods", "chips"), [(1, 1), (1, 8), (2, 4), (1, 4)])
def test_a_910_job_of_a_good_size_is_taken(alice: Person, pods: int, chips: int) -> None:
    done = alice.creates(alice.job("sized", pods, {NPU: str(chips)}))
    assert done.rc == 0, done.output


@pytest.mark.parametrize(
    ("pods", "chips", "told"),
    [
        (1, 3, "a pod asks for 3 Ascend 910 chips: it can have 1, 2, 4 or 8"),
        (3, 4, "the job asks for 12 Ascend 910 chips in 3 pods of 4"),
        (4, 4, "the job asks for 16 Ascend 910 chips in 4 pods of 4"),
    ],
)
def test_a_910_job_of_another_size_is_refused_with_the_reason(alice: Person, pods: int, chips: int, told: str) -> None:
    assert told in alice.creates(alice.job("sized", pods, {NPU: str(chips)})).output


def test_a_quota_is_enforced(cluster: Cluster, alice: Person) -> None:
    dave = Person(cluster, "dave", B)
    # Of eight each, one VC lends two to the other.
    hard = [_hard(cluster, vc)[f"requests.{GPU}"] for vc in (A, B)]
    assert hard == ["10", "6"]
    for person, kind, amount in (
        (alice, GPU, "11"),
        (dave, GPU, "7"),
        (dave, NPU, "1"),
        (alice, "cpu", "13"),
        (alice, "memory", "13Gi"),
    ):
        refused = person.creates(person.pod(limits={kind: amount})).output
        assert "exceeded quota: vc, requested: " in refused
        assert f"requests.{kind}={amount}," in refused
    assert "exceeded quota: priorities" in alice.creates(alice.pod(priorityClassName="system-node-critical")).output
    # One that the VC does not list, and one that it does.
    assert "exceeded quota: priorities" in dave.creates(dave.pod(priorityClassName="training-high")).output
    assert dave.creates(dave.pod(priorityClassName="interactive")).rc == 0
    node_port = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "open"}}
    node_port["spec"] = {"type": "NodePort", "ports": [{"port": 80}]}  # type: ignore[assignment]
    assert "exceeded quota: vc" in alice.creates(node_port).output


def test_storage_of_another_vc_cannot_be_claimed(alice: Person) -> None:
    assert alice.creates(claim("own", A, "64Mi")).rc == 0
    assert "exceeded quota: vc" in alice.creates(claim("foreign", B, "64Mi")).output
    assert "exceeded quota: vc" in alice.creates(claim("large", A, "2Gi")).output


def test_a_volume_of_another_vc_cannot_be_taken_by_its_name(cluster: Cluster, alice: Person) -> None:
    theirs = cluster.get(f"pvc training --namespace {B}")["spec"]["volumeName"]
    name = "e2e-foreign"
    described = claim(name, A, "16Mi")
    described["spec"]["volumeName"] = theirs
    try:
        made = alice.creates(described, really=True)
        assert made.rc == 0, made.output
        chosen = f"events --namespace {A} --field-selector involvedObject.name={name},reason=FailedBinding"
        wait_until(
            "the claim is refused",
            lambda: [event["message"] for event in cluster.get(chosen)["items"]],
            lambda told: any("already bound to a different claim" in one for one in told),
            seconds=60,
        )
        assert cluster.get(f"pvc {name} --namespace {A}")["status"]["phase"] == "Pending"
    finally:
        cluster.kubectl(f"delete pvc {name} --namespace {A} --ignore-not-found --wait=false")


def test_a_cap_counts_what_controllers_make_for_its_member(cluster: Cluster, bob: Person) -> None:
    name = "e2e-capped"
    try:
        made = bob.creates(bob.job(name, 2, {GPU: "2"}), really=True)
        assert json.loads(made.stdout)["spec"]["template"]["spec"]["priorityClassName"] == "training-normal.vision.bob"
        chosen = f"events --namespace {A} --field-selector involvedObject.name={name},reason=FailedCreate"
        wait_until(
            "the second pod is refused",
            lambda: [event["message"] for event in cluster.get(chosen)["items"]],
            lambda messages: any("exceeded quota: cap-bob" in message for message in messages),
            seconds=30,
        )
        assert len(cluster.get(f"pods --namespace {A} --selector job-name={name}")["items"]) == 1
    finally:
        cluster.kubectl(f"delete job {name} --namespace {A} --ignore-not-found --cascade=foreground --wait=false")


def test_nobody_slips_out_of_a_cap_or_into_anothers(alice: Person, bob: Person) -> None:
    too_much = {"cpu": "5"}
    assert "exceeded quota: cap-bob" in bob.creates(bob.pod(limits=too_much)).output
    assert alice.creates(alice.pod(limits=too_much)).rc == 0
    for name in ("training-high", "interactive", "training-normal"):
        made = json.loads(bob.creates(bob.pod(priorityClassName=name)).stdout)
        assert made["spec"]["priorityClassName"] == f"{name}.vision.bob"
    stolen = alice.creates(alice.pod(priorityClassName="training-high.vision.bob"))
    assert "is another member's own" in stolen.output


def test_a_vc_is_made_changed_and_deleted_at_run_time(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    variables = pulumi_environment(lab, tmp_path / "home")
    stack = Stack(ROOT / "pulumi" / "tenants", variables, lab.site.settings.site_name)
    stack.run("stack", "select", stack.name)
    with_vc = tmp_path / "site"
    copied_inventory(lab, with_vc)
    try:
        _declare(with_vc, pods=5)
        stack.configure(inventory=str(with_vc))
        stack.up()
        assert _hard(cluster, BORN)["pods"] == "5"
        lists = ("list", "resourcequotas")
        asked = [("ruth", BORN, *lists), ("ruth", BORN, "list", "pods"), ("ruth", A, *lists), ("erin", BORN, *lists)]
        assert list(rights(cluster, asked).values()) == [True, False, False, True]

        _declare(with_vc, pods=500)
        refused = stack.run("preview", check=False)
        assert refused.rc != 0
        assert "grants 650 of pods (" in refused.output
        assert "and has 200: 450 too much" in refused.output

        _declare(with_vc, pods=7, members={"erin": "developer"}, cap=2)
        stack.up()
        assert _hard(cluster, BORN)["pods"] == "7"
        person = Person(cluster, "erin", BORN)
        assert "exceeded quota: vc, requested: pods=1, used: pods=7, limited: pods=7" in _crowd(person, 7)
        assert _hard(cluster, BORN, "cap-erin")["pods"] == "2"
        # Who is no member any more has no rights any more.
        assert list(rights(cluster, asked).values()) == [False, False, False, True]
        assert person.creates(claim("data", BORN, "16Mi"), really=True).rc == 0

        refused = stack.run("destroy", "--yes", "--skip-preview", check=False)
        assert "--run-program" in refused.output
        stack.configure(inventory=str(lab.inventory))
        refused = stack.up(check=False)
        assert refused.rc != 0
        assert f"{BORN} is to be deleted and holds data (claim data)" in refused.output
        assert _hard(cluster, BORN)["pods"] == "7"

        stack.configure(delete=BORN)
        stack.up()
        assert "NotFound" in cluster.kubectl(f"get namespace {BORN}", check=False).output
        kinds = "priorityclasses,mutatingadmissionpolicies,validatingadmissionpolicies,clusterroles"
        left = cluster.kubectl(f"get {kinds} --output name").stdout
        assert BORN not in left
        assert "vc-auditor" not in left
    finally:
        stack.configure(inventory=str(lab.inventory), delete=BORN)
        if cluster.kubectl(f"get namespace {BORN}", check=False).rc == 0:
            stack.up(check=False)
        stack.run("config", "rm", "delete")


def _declare(folder: Path, *, pods: int, members: dict[str, str] = PEOPLE, cap: int = 3) -> None:
    file = folder / "group_vars" / "all" / "tenants.yml"
    data = yaml.safe_load(file.read_text())
    organisation = data["tenants_organisations"][0]
    quota = {"cpu": 1, "memory": "256Mi", "storage": "64Mi", "pods": pods}
    people = {"members": members, "caps": {"erin": {"pods": cap}}}
    vc = {"name": BORN, "quota": quota, "storage_classes": {BORN: "32Mi"}, **people}
    changed = {"tenants_organisations": [{**organisation, "vcs": [vc]}], "tenants_roles": [AUDITOR]}
    file.write_text(yaml.safe_dump(changed))
    # The next run of the site would make it; what tenants have waits for none.
    parts = file.with_name("ceph_subvolumes.yml")
    own = {"name": BORN, "size_gib": 1, "storage_class": BORN}
    known = [one for one in yaml.safe_load(parts.read_text())["ceph_subvolumes"] if one["name"] != BORN]
    parts.write_text(yaml.safe_dump({"ceph_subvolumes": [*known, own]}))


def _hard(cluster: Cluster, vc: str, quota: str = "vc") -> dict[str, str]:
    hard: dict[str, str] = cluster.get(f"resourcequota {quota} --namespace {vc}")["spec"]["hard"]
    return hard


def _crowd(person: Person, room: int) -> str:
    """What is said of one pod more than there is room for; no node takes them.

    As whom the tests are in the cluster: the person has a cap.
    """
    person.cluster.wait(person.vc, f"wait --for=jsonpath={{.status.hard.pods}}={room} resourcequota/vc")
    little = {"limits": {"cpu": "1m", "memory": "1Mi"}, "nodeSelector": {"kubernetes.io/hostname": "none"}}
    items = [person.pod(f"crowd-{number}", **little) for number in range(room + 1)]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    command = f"create --namespace {person.vc} --filename -"
    return person.cluster.kubectl(command, stdin=listed, check=False).output
