"""Programs with unmodified pulumi_kubernetes against the lab's API server, by the engine in the bundle."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amalgam.pulumi_locks import release_stale
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.nodes import Lab, run_local
from tests.e2e.support.pulumi import Stack, new_stack, pulumi_environment
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

PASSWORD = "canary-8c1f0e2b"
MANY = 500


@pytest.fixture(scope="module")
def variables(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of ``pulumi``; its home is a new one, the passphrase the site's."""
    return pulumi_environment(lab, tmp_path_factory.mktemp("pulumi-home"))


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that is none of Pulumi's."""
    with cluster.namespace("pulumi") as name:
        yield name


@pytest.fixture
def stack_of(variables: dict[str, str], namespace: str, cluster: Cluster, tmp_path: Path) -> Callable[..., Stack]:
    """Makes a stack of a fixture program; what stays of it goes with the namespace."""

    def make(program: str, **settings: Any) -> Stack:
        stack = new_stack(program, tmp_path / program, variables)
        given = {"namespace": namespace, "image": cluster.image_of_tests(), "password": PASSWORD}
        stack.configure(**(given | settings))
        return stack

    return make


def _get(cluster: Cluster, namespace: str, what: str) -> dict[str, Any]:
    return cluster.get(f"{what} --namespace {namespace}")


def test_a_service_is_previewed_made_changed_replaced_and_deleted(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    inside = f"{namespace}-own"
    stack = stack_of("service", namespace=inside, color="red", label="one", with_extra=True)

    said = [stack.run("preview")]
    assert inside not in cluster.kubectl("get namespaces --output name").stdout

    said.append(stack.up("--diff"))
    first = _get(cluster, inside, "deployment web")
    assert first["status"]["availableReplicas"] == 1
    assert _get(cluster, inside, "service web")["spec"]["clusterIP"] == stack.outputs()["address"]
    said.append(stack.run("preview", "--diff", "--expect-no-changes"))

    stack.configure(color="green", with_extra=False)
    preview = stack.run("preview", "--diff").stdout
    assert '~ color: "red" => "green"' in preview
    before = _get(cluster, inside, "configmap color")
    assert before["data"] == {"color": "red"}
    stack.up()
    after = _get(cluster, inside, "configmap color")
    assert (after["metadata"]["uid"], after["data"]) == (before["metadata"]["uid"], {"color": "green"})
    assert "NotFound" in cluster.kubectl(f"get configmap extra --namespace {inside}", check=False).output

    stack.configure(label="two")
    assert "kubernetes:apps/v1:Deployment deployment replace" in stack.run("preview").stdout
    said.append(stack.up("--diff"))
    second = _get(cluster, inside, "deployment web")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert second["spec"]["selector"]["matchLabels"] == {"app": "two"}

    said.append(stack.run("refresh", "--yes", "--skip-preview", "--diff"))
    said += [stack.run("stack", "--show-ids"), stack.run("preview", "--diff")]
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    for text in (stack.state, *(one.output for one in said)):
        assert PASSWORD not in text
        assert encoded not in text

    stack.run("destroy", "--yes", "--skip-preview")
    assert inside not in cluster.kubectl("get namespaces --output name").stdout


def test_drift_is_told_by_field_and_repaired_and_what_was_deleted_is_made_again(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("adopted", color="red", name="drifting")
    stack.up()
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    _patch(cluster, namespace, "drifting", {"data": {"color": "black", "other": "kept"}})
    told = stack.run("refresh", "--yes", "--skip-preview").stdout
    assert "data.color: applied 'red', on the server 'black'" in told
    assert "other" not in told

    assert '~ color: "black" => "red"' in stack.run("preview", "--diff").stdout
    stack.up()
    assert _get(cluster, namespace, "configmap drifting")["data"] == {"color": "red", "other": "kept"}

    cluster.kubectl(f"delete configmap drifting --namespace {namespace}")
    assert "1 deleted" in stack.run("refresh", "--yes", "--skip-preview").stdout
    stack.up()
    assert _get(cluster, namespace, "configmap drifting")["data"] == {"color": "red"}


def test_what_another_manager_wrote_unseen_is_a_conflict(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("adopted", color="red", name="contested")
    stack.up()
    _patch(cluster, namespace, "contested", {"data": {"color": "black"}})
    stack.configure(color="green")
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        refused = stack.run(*command, check=False)
        assert refused.rc != 0
        assert "data.color belongs to kubectl-patch" in refused.output
        assert "pulumi.com/patchForce" in refused.output
    assert _get(cluster, namespace, "configmap contested")["data"]["color"] == "black"


def test_an_object_of_others_is_imported_and_never_taken_over_silently(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    cluster.kubectl(f"create configmap foreign --namespace {namespace} --from-literal color=red")
    uid = _get(cluster, namespace, "configmap foreign")["metadata"]["uid"]
    stack = stack_of("adopted", color="red", name="foreign")
    refused = stack.up(check=False)
    assert refused.rc != 0
    assert "exists already (made by kubectl-create)" in refused.output
    assert f'opts.import_="{namespace}/foreign"' in refused.output
    stack.configure(**{"import": True})
    stack.up()
    stack.configure(**{"import": False}, color="green")
    stack.up()
    after = _get(cluster, namespace, "configmap foreign")
    assert (after["metadata"]["uid"], after["data"]) == (uid, {"color": "green"})


def test_manifests_and_kinds_that_the_program_defines_are_served(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("objects")
    stack.run("preview")
    stack.up()
    (widget,) = cluster.get(f"widgets.{namespace}.example --namespace {namespace}")["items"]
    assert widget["spec"] == {"size": 3}
    for name in ("from-group", "from-old-group"):
        assert _get(cluster, namespace, f"configmap {name}")["data"] == {"true": "2020-01-01"}
    assert base64.b64decode(_get(cluster, namespace, "secret from-group")["data"]["password"]).decode() == PASSWORD
    stack.run("preview", "--expect-no-changes")
    # Not by the stack: the API server takes 20 s to forget a kind.
    cluster.kubectl(f"delete crd widgets.{namespace}.example --wait=false")


def test_an_update_whose_engine_was_killed_is_finished_by_the_next(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("slow", name="killed", port=1)
    running = stack.start("up", "--yes", "--skip-preview")
    wait_until(
        "the update waits for its Deployment",
        lambda: cluster.kubectl(f"get deployment killed --namespace {namespace}", check=False).rc == 0,
        seconds=60,
    )
    running.kill()
    running.wait()
    session = ["pgrep", "--session", str(running.pid), "--runstates", "D,R,S"]
    wait_until("its plugins have ended too", lambda: run_local(session, check=False).rc == 1, seconds=30)
    uid = _get(cluster, namespace, "deployment killed")["metadata"]["uid"]
    assert len(_maps(cluster, namespace)) == 1

    stack.configure(port=8080)
    assert "the stack is currently locked by 1 lock(s)" in stack.up(check=False).output
    # As `amalgam platform up` does.
    release_stale(stack.backend, "slow", stack.name)
    stack.up()
    assert _get(cluster, namespace, "deployment killed")["metadata"]["uid"] == uid
    assert len(_maps(cluster, namespace)) == 2
    stack.run("preview", "--expect-no-changes")


@pytest.mark.timeout(900)
def test_a_stack_of_many_resources_is_made_looked_at_and_deleted(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("many", count=MANY)
    stack.up()
    assert len(_made(cluster, namespace)) == MANY
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.run("preview", "--expect-no-changes")
    stack.run("destroy", "--yes", "--skip-preview")
    assert _made(cluster, namespace) == []


def _made(cluster: Cluster, namespace: str) -> list[str]:
    names = cluster.kubectl(f"get configmaps --namespace {namespace} --output name").stdout.split()
    return [name for name in names if "/map-" in name]


def test_what_does_not_get_ready_in_time_is_kept_with_its_reason(
    cluster: Cluster, namespace: str, stack_of: Callable[..., Stack]
) -> None:
    stack = stack_of("slow", name="late", port=1, patience="4s")
    late = stack.up(check=False)
    assert late.rc != 0
    assert "not ready after 4 s: 0 of 1 replicas updated and available" in late.output
    uid = _get(cluster, namespace, "deployment late")["metadata"]["uid"]
    stack.configure(port=8080)
    stack.up()
    assert _get(cluster, namespace, "deployment late")["metadata"]["uid"] == uid


def test_what_is_not_served_is_refused_with_what_to_use_instead(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of("refused")
    for what in ("patch", "release", "chart", "kustomize"):
        stack.configure(what=what)
        refused = stack.run("preview", check=False)
        assert refused.rc != 0
        assert "not served by this stand-in" in refused.output
        assert ("declare the whole object" if what == "patch" else "yaml.v2.ConfigGroup") in refused.output


def _patch(cluster: Cluster, namespace: str, name: str, change: dict[str, Any]) -> None:
    cluster.kubectl(f"patch configmap {name} --namespace {namespace} --type merge --patch '{json.dumps(change)}'")


def _maps(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.get(f"configmaps --namespace {namespace} --selector app=killed")["items"]
    return found
