"""The site's real secrets are nowhere but where they belong: no log, no argument, no file that others may read."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.canaries import Canary, canaries, cluster_canaries, leaks
from tests.e2e.support.checkout import ROOT
from tests.e2e.support.cluster import Cluster
from tests.e2e.support.command_lines import CommandLines
from tests.e2e.support.nodes import Lab, Node
from tests.e2e.support.playbook import PlaybookRun, RunningPlaybook, start_site

pytestmark = pytest.mark.timeout(600)

_GREP = "grep --recursive --fixed-strings --text --files-with-matches --devices=skip --no-messages --file=-"
_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
# Signed and made before the secrets were: nothing of the site gets in there.
_BUNDLE = "--exclude-dir=bundle"


@pytest.fixture(scope="module")
def wanted(lab: Lab, cluster: Cluster) -> list[Canary]:
    """Every secret of the lab's site."""
    found = [*canaries(lab.site.state_dir), *cluster_canaries(cluster)]
    known = {"passphrase of Pulumi", "key of kubernetes-admin", "/etc/kubernetes/pki/sa.key"}
    assert known <= {canary.name for canary in found}
    return found


def _files_with_secrets(node: Node, wanted: list[Canary], folders: str, *, prefix: str = "") -> list[str]:
    """Files on a node with one of the secrets, which travel there by standard input."""
    patterns = "".join(f"{canary.text}\n" for canary in wanted)
    done = node.run(f"{prefix} {_GREP} {_BUNDLE} {folders}", stdin=patterns, check=False)
    return done.stdout.split()


def test_the_search_finds_a_secret_where_it_belongs(lab: Lab, wanted: list[Canary]) -> None:
    for name in lab.members("control_plane"):
        assert _files_with_secrets(lab.node(name), wanted, "/etc/amalgam") != []


def test_nobody_can_read_a_secret_in_the_files_of_a_node(lab: Lab, wanted: list[Canary]) -> None:
    planted = "/var/tmp/canary"
    for node in lab.nodes():
        node.run(f"install --mode 0644 /dev/stdin {planted}", stdin=wanted[0].text)
        try:
            found = _files_with_secrets(node, wanted, "/etc /usr/local /opt /var /srv /run /tmp /home", prefix=_NOBODY)
        finally:
            node.run(f"rm {planted}")
        assert found == [planted], f"on {node.name} anybody may read {found}"


def test_no_log_of_a_node_holds_a_secret(lab: Lab, wanted: list[Canary]) -> None:
    for node in lab.nodes():
        assert _files_with_secrets(node, wanted, "/var/log") == [], node.name
        assert leaks(node.run("journalctl --no-pager --output cat").stdout, wanted) == [], node.name


def test_no_run_left_a_secret_in_a_temporary_file(lab: Lab, wanted: list[Canary]) -> None:
    for node in lab.nodes():
        assert _files_with_secrets(node, wanted, "/tmp /var/tmp /root /dev/shm") == [], node.name


@pytest.fixture(scope="module")
def verbose_run(lab: Lab) -> tuple[PlaybookRun, CommandLines]:
    """A run that says all it can, and the command lines on controller and nodes meanwhile."""
    running = start_site(lab.inventory, "-vvv", "--diff")
    lines = CommandLines()
    lines.watch(lambda seconds: running.running(wait_seconds=seconds))
    return running.wait(), lines


def test_a_verbose_run_says_no_secret(verbose_run: tuple[PlaybookRun, CommandLines], wanted: list[Canary]) -> None:
    run, _ = verbose_run

    assert run.rc == 0, run.end
    assert leaks(run.output, wanted) == []


def test_no_process_has_a_secret_as_an_argument(
    verbose_run: tuple[PlaybookRun, CommandLines], wanted: list[Canary]
) -> None:
    _, lines = verbose_run
    seen = b"\n".join(lines.seen).replace(b"\0", b" ").decode(errors="replace")

    assert "kubelet" in seen, "the watch saw nothing of the nodes"
    assert leaks(seen, wanted) == []


def test_bringing_the_platform_up_says_no_secret_and_has_none_as_an_argument(lab: Lab, wanted: list[Canary]) -> None:
    words = ["platform", "up", "--inventory", str(lab.inventory)]
    running = RunningPlaybook(words, {"KUBECONFIG": str(lab.names.kubeconfig)}, "amalgam")
    lines = CommandLines()
    lines.watch(lambda seconds: running.running(wait_seconds=seconds))
    run = running.wait()
    seen = b"\n".join(lines.seen).replace(b"\0", b" ").decode(errors="replace")

    assert run.rc == 0, run.end
    assert [stack for stack in ("platform", "tenants", "training") if stack not in run.output] == []
    assert "pulumi-language" in seen, "the watch saw nothing of the engine"
    assert leaks(run.output, wanted) == []
    assert leaks(seen, wanted) == []


def test_the_controllers_files_with_secrets_are_for_their_owner_alone(lab: Lab, wanted: list[Canary]) -> None:
    open_to_all = [file for file in _files_of_controller(lab) if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]

    assert open_to_all, "the search saw no file at all"
    leaking = [file for file in open_to_all if leaks(file.read_text(errors="replace"), [*wanted, *_KEYS])]
    assert leaking == []
    for name in ("secrets.yml", "vault-password"):
        assert stat.S_IMODE((lab.site.state_dir / name).stat().st_mode) == 0o600
    assert (lab.site.state_dir / "secrets.yml").read_text().startswith("$ANSIBLE_VAULT;")


_KEYS = (Canary("a private key", "PRIVATE KEY-----"), Canary("a client key", "client-key-data:"))


def _files_of_controller(lab: Lab) -> Iterator[Path]:
    """What the lab keeps on this machine, apart from the nodes' disks and the bundle, and the settings of stacks."""
    yield from ROOT.glob("pulumi/*/Pulumi.*.yaml")
    for folder, folders, names in os.walk(lab.names.folder):
        folders[:] = [name for name in folders if Path(folder, name) != lab.names.folder / "nodes"]
        yield from (file for name in names if (file := Path(folder, name)).is_file())


def test_a_secret_of_the_cluster_is_encrypted_in_etcd(cluster: Cluster) -> None:
    canary, plain = secrets.token_hex(16), secrets.token_hex(16)
    with cluster.namespace("secrets") as namespace:
        cluster.apply(
            namespace,
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "canary"}, "stringData": {"word": canary}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "canary"}, "data": {"word": plain}},
        )
        secret = _in_etcd(cluster, f"/registry/secrets/{namespace}/canary")
        config = _in_etcd(cluster, f"/registry/configmaps/{namespace}/canary")
        files = cluster.control_plane.run(f"{_GREP} /var/lib/etcd", stdin=canary, check=False).stdout

    assert plain in config, "what is not a Secret must be readable there, or this test looks at the wrong place"
    assert "k8s:enc:secretbox:" in secret
    assert canary not in secret
    assert files == ""


def _in_etcd(cluster: Cluster, key: str) -> str:
    pki = "/etc/kubernetes/pki/etcd"
    login = f"--cacert {pki}/ca.crt --cert {pki}/server.crt --key {pki}/server.key"
    shown = f"etcdctl --endpoints https://127.0.0.1:2379 {login} get --print-value-only {key} | tr -c '[:print:]' ."
    return cluster.control_plane.run(shown).stdout
