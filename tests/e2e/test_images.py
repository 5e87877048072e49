"""People bring images into their projects, nobody else gets at them, and nothing is lost whatever happens."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amalgam.lab.environment import environment
from amalgam.models.mirrors import Mirror
from amalgam.pins import load_lock
from amalgam.registry.hosts import hosts_files
from amalgam.training.parameters import PULL_SECRET
from tests.e2e.support.checkout import program
from tests.e2e.support.cluster import Cluster, pod_template
from tests.e2e.support.images import INDEX, MANIFEST, write_layout
from tests.e2e.support.nodes import Done, Lab, Node, run_local
from tests.e2e.support.own_mirror import OwnMirror
from tests.e2e.support.tenants import Person
from tests.e2e.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

# As inventories/lab/group_vars/all/registry.yml has them.
MAINTAINER, DEVELOPER, GUEST, STRANGER = "alice", "bob", "carol", "dave"
PUBLIC = "library"
_REPOSITORIES = "/srv/amalgam/registry/docker/registry/v2/repositories"
_BLOBS = "/srv/amalgam/registry/docker/registry/v2/blobs/sha256"
# No such registry is to be had: whoever has its images is a mirror.
_UPSTREAM = "upstream.example.internal"
_NAMESPACE = "images-mirror"
_CTR = f"ctr --namespace {_NAMESPACE}"
_DROP_INS = "/var/tmp/amalgam-test-certs"

Amalgam = Callable[..., Done]


@pytest.fixture(scope="module")
def keys(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """User → the file with which the user logs in."""
    folder = tmp_path_factory.mktemp("keys")
    for user in (MAINTAINER, DEVELOPER, GUEST, STRANGER):
        command = ["image", "credentials", "-i", lab.state.inventory, "--user", user, "--output", str(folder / user)]
        run_local([program("amalgam"), *command])
    return {file.name: file for file in folder.iterdir()}


@pytest.fixture(scope="module")
def login(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guest's login, as Docker's and other programs read it."""
    file = tmp_path_factory.mktemp("login") / "auth.json"
    options = ["-i", lab.state.inventory, "--user", GUEST, "--docker", "--output", str(file)]
    run_local([program("amalgam"), "image", "credentials", *options])
    return file


@pytest.fixture(scope="module")
def as_user(lab: Lab, keys: dict[str, Path]) -> Amalgam:
    """Runs ``amalgam image`` as one of them: ``as_user("alice", "list", "vision")``."""
    reach = environment(lab.names)

    def run(user: str, *words: str, check: bool = True) -> Done:
        env = {**reach, "AMALGAM_REGISTRY": str(keys[user])}
        return run_local([program("amalgam"), "image", *words], check=check, env=env)

    return run


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An image of both architectures, and its digest."""
    folder = tmp_path_factory.mktemp("layout") / "image"
    return folder, write_layout(folder, {"amd64": b"for amd64", "arm64": b"for arm64"})


@pytest.fixture
def name(as_user: Amalgam) -> Iterator[str]:
    """A name in the project of the maintainer; its tags go with the test."""
    repository = f"vision/test-{secrets.token_hex(3)}"
    yield repository
    for image in _listed(as_user, repository):
        as_user(MAINTAINER, "delete", "--yes", image)


@pytest.fixture(scope="module")
def private(lab: Lab, as_user: Amalgam) -> Iterator[str]:
    """An image with programs in the project of the maintainer, as nodes name it."""
    pin, image = load_lock().image("agnhost"), f"vision/test-{secrets.token_hex(3)}:1"
    bundle = str(lab.names.folder / "bundle" / "images")
    as_user(MAINTAINER, "import", bundle, image, "--image", f"{pin.repository}:{pin.tag}")
    yield f"{lab.registry}/{image}"
    as_user(MAINTAINER, "delete", "--yes", image)


@pytest.fixture(scope="module")
def host(lab: Lab) -> Node:
    """The node on which the registry runs."""
    return lab.node(lab.members("bundle_server")[0])


def _listed(as_user: Amalgam, project: str, user: str = MAINTAINER) -> dict[str, dict[str, object]]:
    return {one["reference"]: one for one in json.loads(as_user(user, "list", project, "--json").stdout)}


def _platform(lab: Lab) -> dict[str, str]:
    """Every image of the bundle as the registry has it: reference → digest."""
    command = [program("amalgam"), "image", "list", "-i", lab.state.inventory, "--json"]
    listed = json.loads(run_local(command, env=environment(lab.names)).stdout)
    ours = {f"{pin.repository}:{pin.tag}" for pin in load_lock().images.values()}
    return {one["reference"]: one["digest"] for one in listed if one["reference"] in ours}


def test_an_image_keeps_its_digest_and_both_architectures_on_every_way(
    as_user: Amalgam, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    folder, digest = layout
    archive = _packed(folder, tmp_path / "image.tar")
    as_user(MAINTAINER, "import", str(folder), f"{name}:folder")
    as_user(MAINTAINER, "import", str(archive), f"{name}:archive")
    as_user(MAINTAINER, "copy", f"{name}:folder", f"{name}:copy")
    listed = _listed(as_user, name)
    assert set(listed) == {f"{name}:folder", f"{name}:archive", f"{name}:copy"}
    assert {one["digest"] for one in listed.values()} == {digest}
    assert [one["architectures"] for one in listed.values()] == [["amd64", "arm64"]] * 3
    assert f"{name}:copy" in _listed(as_user, "vision")


def _packed(folder: Path, archive: Path) -> Path:
    """The layout as an archive; what names the image comes last."""
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname=".")
    return archive


def test_no_part_of_an_archive_of_a_layout_is_imported(
    as_user: Amalgam, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    archive = _packed(layout[0], tmp_path / "image.tar")
    with tarfile.open(archive) as tar:
        end = tar.getmember("./index.json").offset
    whole = archive.read_bytes()
    for size in range(1024, end + 1, (end - 1024) // 5):
        archive.write_bytes(whole[:size])
        refused = as_user(MAINTAINER, "import", str(archive), f"{name}:part", check=False)
        assert refused.rc == 1, f"the first {size} bytes of {len(whole)}"
        assert "archive" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert _listed(as_user, name) == {}


def test_an_archive_of_dockers_form_is_imported_whole_and_a_part_of_one_not_at_all(
    as_user: Amalgam, lab: Lab, login: Path, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.tar"
    copy = ["skopeo", "--override-arch", "amd64", "copy"]
    run_local([*copy, f"oci:{layout[0]}", f"docker-archive:{saved}:somewhere/saved:1"])
    as_user(MAINTAINER, "import", str(saved), f"{name}:saved")
    whole = saved.read_bytes()
    for size in range(1024, len(whole), len(whole) // 6):
        saved.write_bytes(whole[:size])
        refused = as_user(MAINTAINER, "import", str(saved), f"{name}:part", check=False)
        assert refused.rc == 1, f"the first {size} bytes of {len(whole)}"
        assert "archive" in refused.stderr
        assert "Traceback" not in refused.stderr
    for content in (b'"architecture"', b"for amd64"):
        saved.write_bytes(whole.replace(content, content.swapcase()))
        refused = as_user(MAINTAINER, "import", str(saved), f"{name}:damaged", check=False)
        assert refused.rc == 1, f"changed: {content!r}"
    listed = _listed(as_user, name)
    assert listed.keys() == {f"{name}:saved"}
    assert listed[f"{name}:saved"]["architectures"] == ["amd64"]
    pulled = _pull(lab, login, f"{name}:saved", tmp_path / "pulled")
    assert any(b"for amd64" in gzip.decompress(blob) for blob in pulled.values() if blob[:2] == b"\x1f\x8b")


def _pull(lab: Lab, login: Path, image: str, folder: Path) -> dict[str, bytes]:
    """Digest → content of all that an image consists of; skopeo compares each with its digest."""
    source = [f"--src-authfile={login}", f"docker://{lab.registry}/{image}"]
    run_local(["skopeo", "copy", "--all", *source, f"oci:{folder}:1"], env=environment(lab.names))
    return {file.name: file.read_bytes() for file in (folder / "blobs" / "sha256").iterdir()}


def test_an_image_comes_from_another_registry_with_its_login(
    as_user: Amalgam, lab: Lab, login: Path, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    folder, digest = layout
    as_user(MAINTAINER, "import", str(folder), f"{name}:here")
    # Reached by a name of its own, the lab's registry is another one to the command.
    other = tmp_path / "auth.json"
    auths = json.loads(login.read_text())
    elsewhere = lab.registry.replace("registry.", "bundle.")
    auths["auths"][elsewhere] = auths["auths"].pop(lab.registry)
    other.write_text(json.dumps(auths))
    as_user(MAINTAINER, "import", f"{elsewhere}/{name}:here", f"{name}:there", "--source-authfile", str(other))
    assert _listed(as_user, name)[f"{name}:there"]["digest"] == digest
    refused = as_user(MAINTAINER, "import", f"{elsewhere}/{name}:here", f"{name}:without-login", check=False)
    assert refused.rc == 1
    assert f"{name}:without-login" not in _listed(as_user, name)


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        (MAINTAINER, {"list", "import", "copy", "delete"}),
        (DEVELOPER, {"list", "import", "copy"}),
        (GUEST, {"list"}),
        (STRANGER, set()),
    ],
)
def test_each_role_has_its_rights_and_no_more(
    as_user: Amalgam, layout: tuple[Path, str], name: str, user: str, rights: set[str]
) -> None:
    as_user(MAINTAINER, "import", str(layout[0]), f"{name}:1")
    attempts = {
        "list": ["list", name.partition("/")[0]],
        "import": ["import", str(layout[0]), f"{name}:{user}"],
        "copy": ["copy", f"{name}:1", f"{name}:{user}-copy"],
        "delete": ["delete", "--yes", f"{name}:1"],
    }
    done = {attempt: as_user(user, *words, check=False) for attempt, words in attempts.items()}
    assert {attempt for attempt, ended in done.items() if ended.rc == 0} == rights
    for attempt in attempts.keys() - rights:
        assert "right" in done[attempt].stderr, done[attempt].output


def test_a_wrong_password_opens_nothing_and_is_told_with_what_to_do(
    lab: Lab, keys: dict[str, Path], layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text(json.dumps(json.loads(keys[MAINTAINER].read_text()) | {"password": "none of hers"}))
    env = {**environment(lab.names), "AMALGAM_REGISTRY": str(wrong)}
    for words in (["list", "vision"], ["import", str(layout[0]), f"{name}:1"], ["delete", "--yes", f"{name}:1"]):
        refused = run_local([program("amalgam"), "image", *words], check=False, env=env)
        assert refused.rc == 1, words
        assert "new credentials" in refused.stderr, refused.output


def test_a_layer_of_another_project_cannot_be_had_by_its_digest(
    lab: Lab, keys: dict[str, Path], as_user: Amalgam, layout: tuple[Path, str], name: str
) -> None:
    folder, _ = layout
    as_user(MAINTAINER, "import", str(folder), f"{name}:1")
    digest = f"sha256:{next((folder / 'blobs' / 'sha256').iterdir()).name}"
    for mount in ("mount", "%6dount"):
        path = f"nlp/stolen/blobs/uploads/?{mount}={digest}&from={name}"
        answer = _status(lab, keys[STRANGER], path, "--request", "POST")
        assert answer == "202"  # an empty upload begins; 201 would be the layer


def test_who_is_no_member_pulls_neither_manifest_nor_layer(
    lab: Lab, keys: dict[str, Path], as_user: Amalgam, layout: tuple[Path, str], name: str
) -> None:
    folder, digest = layout
    as_user(MAINTAINER, "import", str(folder), f"{name}:1")
    accept = ["--header", f"Accept: {INDEX}, {MANIFEST}"]
    parts = {
        **{f"{name}/manifests/{reference}": accept for reference in ("1", digest)},
        **{f"{name}/blobs/{one}": [] for one in _layers(folder, digest).values()},
    }
    assert {_status(lab, keys[GUEST], path, *options) for path, options in parts.items()} == {"200"}
    assert {_status(lab, keys[STRANGER], path, *options) for path, options in parts.items()} <= {"401", "403"}


def _status(lab: Lab, key: Path, path: str, *options: str) -> str:
    """What the registry answers one of them, without its explanation."""
    login = json.loads(key.read_text())
    curl = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--config", "-", *options]
    answer = run_local(
        [*curl, f"https://{lab.registry}/v2/{path}"],
        stdin=f'user = "{login["user"]}:{login["password"]}"',
        env=environment(lab.names),
    )
    return answer.stdout


def _layers(folder: Path, digest: str) -> dict[str, str]:
    """Architecture → the digest of its only layer."""

    def content(one: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((folder / "blobs" / one.replace(":", "/")).read_bytes())
        return loaded

    entries = content(digest)["manifests"]
    return {one["platform"]["architecture"]: content(one["digest"])["layers"][0]["digest"] for one in entries}


def test_a_pod_runs_a_private_image_with_its_pull_secret_and_not_without_and_a_mirrored_one(
    cluster: Cluster, login: Path, private: str
) -> None:
    pin = load_lock().image("agnhost")
    with cluster.namespace("images") as namespace:
        cluster.apply(
            namespace,
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/dockerconfigjson",
                "metadata": {"name": "registry"},
                "stringData": {".dockerconfigjson": login.read_text()},
            },
            _pod("without", private, []),
            _pod("with", private, [{"name": "registry"}]),
            # Its mirror is the site's own registry.
            _pod("mirrored", f"{_UPSTREAM}/{pin.repository}:{pin.tag}", []),
        )
        cluster.wait(namespace, "wait --for=condition=Ready pod/with pod/mirrored")
        # Its image may be on the node by now: that gives no right to it.
        _wait_refused(cluster, namespace, "without")


def _pod(name: str, image: str, pull_secrets: list[dict[str, str]]) -> dict[str, object]:
    spec = pod_template(image, ["pause"], {"app": "images"}, imagePullSecrets=pull_secrets)["spec"]
    spec["containers"][0]["imagePullPolicy"] = "Always"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _wait_refused(cluster: Cluster, namespace: str, pod: str) -> None:
    def look() -> str:
        states = cluster.get(f"--namespace {namespace} pod {pod}")["status"].get("containerStatuses", [])
        return str(states[0]["state"].get("waiting", {}).get("reason", "")) if states else ""

    wait_until(f"pod {pod} is refused its image", look, lambda why: "Pull" in why, seconds=60)


def test_a_vc_pulls_its_image_as_itself_and_another_vc_does_not_get_it_from_the_node(
    cluster: Cluster, private: str
) -> None:
    pod = f"e2e-{secrets.token_hex(3)}"
    owner, other = Person(cluster, MAINTAINER, "vision"), Person(cluster, STRANGER, "nlp")
    try:
        _run_if_not_present(owner, pod, private)
        cluster.wait(owner.vc, f"wait --for=condition=Ready pod/{pod}")
        node = cluster.get(f"--namespace {owner.vc} pod {pod}")["spec"]["nodeName"]
        # The image is there, and its kubelet asks the registry all the same: this VC's secret is none of those that it
        # was pulled with (KubeletEnsureSecretPulledImages, which is on unless a site turns it off).
        # https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
        _run_if_not_present(other, pod, private, nodeSelector={"kubernetes.io/hostname": node})
        _wait_refused(cluster, other.vc, pod)
    finally:
        for vc in (owner.vc, other.vc):
            cluster.kubectl(f"delete pod {pod} --namespace {vc} --ignore-not-found --wait=false")


def _run_if_not_present(person: Person, name: str, image: str, **spec: Any) -> None:
    """Run an image, with the secret that the platform has put into the VC."""
    described = person.pod(name, image=image, imagePullSecrets=[{"name": PULL_SECRET}], **spec)
    described["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
    made = person.creates(described, really=True)
    assert made.rc == 0, made.output


def test_everybody_pulls_from_a_public_project_and_nobody_strange_pushes(
    lab: Lab, as_user: Amalgam, layout: tuple[Path, str]
) -> None:
    image = f"{PUBLIC}/test-{secrets.token_hex(3)}:1"
    as_user(MAINTAINER, "import", str(layout[0]), image)
    worker = lab.node(lab.members("workers")[0])
    pull = "ctr --namespace images-test images pull --hosts-dir /etc/containerd/certs.d"
    worker.run(f"{pull} {lab.registry}/{image}")
    worker.run(f"ctr --namespace images-test images remove --sync {lab.registry}/{image}")
    assert as_user(STRANGER, "import", str(layout[0]), image, check=False).rc == 1
    as_administrator = ["image", "delete", "--yes", "-i", lab.state.inventory, image]
    run_local([program("amalgam"), *as_administrator], env=environment(lab.names))


def test_one_tag_gives_each_architecture_its_own_content(lab: Lab, as_user: Amalgam, layout: tuple[Path, str]) -> None:
    image = f"{PUBLIC}/test-{secrets.token_hex(3)}:1"
    as_user(MAINTAINER, "import", str(layout[0]), image)
    layers, worker = _layers(*layout), lab.node(lab.members("workers")[0])
    try:
        for architecture, own in layers.items():
            ctr = f"ctr --namespace images-{architecture}"
            pull = "images pull --local --snapshotter native --hosts-dir /etc/containerd/certs.d"
            worker.run(f"{ctr} {pull} --platform linux/{architecture} {lab.registry}/{image}")
            there = set(worker.run(f"{ctr} content ls --quiet").stdout.split())
            worker.run(f"{ctr} images remove --sync {lab.registry}/{image}")
            assert there & set(layers.values()) == {own}
    finally:
        as_administrator = ["image", "delete", "--yes", "-i", lab.state.inventory, image]
        run_local([program("amalgam"), *as_administrator], env=environment(lab.names))


def test_a_mirror_fetches_what_it_lacks_and_serves_it_when_its_origin_is_out_of_reach(
    lab: Lab, host: Node, keys: dict[str, Path], as_user: Amalgam, name: str, tmp_path: Path
) -> None:
    # Never seen before, so that no node has any of it.
    digest = write_layout(tmp_path / "image", {one: os.urandom(10_000) for one in ("amd64", "arm64")})
    as_user(MAINTAINER, "import", str(tmp_path / "image"), f"{name}:1")
    login, mirror = json.loads(keys[GUEST].read_text()), OwnMirror(lab, host)
    worker = lab.node(lab.members("workers")[0])
    try:
        mirror.start(login["user"], login["password"])
        _write_drop_ins(worker, lab, Mirror(registry=_UPSTREAM, endpoint=mirror.endpoint))
        assert mirror.blobs() == set()
        image = f"{_UPSTREAM}/{name}"
        fetched = _pull_and_remove(worker, f"{image}:1")
        assert digest in fetched
        # The node has the last bytes a moment before the mirror keeps them.
        wait_until("the mirror keeps all of it", mirror.blobs, lambda kept: kept >= fetched, seconds=30)
        mirror.cut_off()
        for again in (f"{image}@{digest}", f"{image}:1"):
            assert _pull_and_remove(worker, again) == fetched
    finally:
        # Whatever a pull that failed has left.
        left = f"{_CTR} images ls --quiet | xargs --no-run-if-empty {_CTR} images remove --sync"
        worker.run(f"rm -rf {_DROP_INS}; {left}; {_CTR} namespaces remove {_NAMESPACE}", check=False)
        mirror.remove()


def _write_drop_ins(worker: Node, lab: Lab, mirror: Mirror) -> None:
    """Write what the role would write for the mirror, in a place where only a test looks."""
    for path, content in hosts_files(lab.registry, [mirror]).items():
        file = f"{_DROP_INS}/{path}"
        worker.run(f"mkdir --parents $(dirname {file}) && cat >{file}", stdin=content)


def _pull_and_remove(worker: Node, image: str) -> set[str]:
    """Digests of all that came with a pull; none of it is left on the node, or the namespace could not be removed."""
    steps = [
        f"{_CTR} images pull --hosts-dir {_DROP_INS}/etc/containerd/certs.d {image} >/dev/null",
        f"{_CTR} content ls --quiet",
        f"{_CTR} images remove --sync {image} >/dev/null",
        f"{_CTR} namespaces remove {_NAMESPACE} >/dev/null",
    ]
    return set(worker.run(" && ".join(steps)).stdout.split())


def test_garbage_goes_and_what_a_tag_leads_to_stays(
    lab: Lab, host: Node, login: Path, as_user: Amalgam, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    before = _platform(lab)
    gone = tmp_path / "gone"
    write_layout(gone, {"amd64": os.urandom(100_000), "arm64": os.urandom(100_000)})
    as_user(MAINTAINER, "import", str(gone), f"{name}:gone")
    as_user(MAINTAINER, "import", str(gone), f"{name}:overwritten")
    as_user(MAINTAINER, "import", str(layout[0]), f"{name}:overwritten")
    as_user(MAINTAINER, "delete", "--yes", f"{name}:gone")
    blobs = [file.name for file in (gone / "blobs" / "sha256").iterdir()]
    kept = [file.name for file in (layout[0] / "blobs" / "sha256").iterdir()]
    assert _there(host, blobs) == set(blobs)
    for seconds in (0.1, 0.3, 0.6):
        killed = f"sleep {seconds}; systemctl kill --signal KILL registry-garbage-collect"
        host.run(f"systemctl start --no-block registry-garbage-collect; {killed}", check=False)
        assert _there(host, kept) == set(kept)
    host.run("systemctl reset-failed registry-garbage-collect; systemctl start registry-garbage-collect")
    assert _there(host, blobs) == set()
    assert _there(host, kept) == set(kept)
    _await_registry(as_user, name)
    assert _platform(lab) == before
    assert _listed(as_user, name)[f"{name}:overwritten"]["architectures"] == ["amd64", "arm64"]
    assert _pull(lab, login, f"{name}:overwritten", tmp_path / "back").keys() == set(kept)
    as_user(MAINTAINER, "import", str(gone), f"{name}:again")


def _await_registry(as_user: Amalgam, name: str) -> None:
    wait_until("the registry answers", lambda: as_user(MAINTAINER, "list", name, check=False).rc == 0, seconds=30)


def _there(host: Node, digests: list[str]) -> set[str]:
    paths = " ".join(f"{_BLOBS}/{digest[:2]}/{digest}/data" for digest in digests)
    return {path.split("/")[-2] for path in host.run(f"ls {paths} 2>/dev/null", check=False).stdout.split()}


def test_who_pushes_while_garbage_is_collected_is_told_to_wait(
    host: Node, as_user: Amalgam, layout: tuple[Path, str], name: str
) -> None:
    # The collector is held at its start; then it is killed, and must leave a registry that takes images.
    drop_in = "/run/systemd/system/registry-garbage-collect.service.d"
    held = "[Service]\nExecStart=\nExecStart=/bin/sleep 120\n"
    host.run(f"mkdir --parents {drop_in} && cat >{drop_in}/held.conf && systemctl daemon-reload", stdin=held)
    state = "systemctl show --property SubState --value registry-garbage-collect"
    try:
        host.run("systemctl start --no-block registry-garbage-collect")
        wait_until(
            "the collector runs", lambda: host.run(state).stdout.strip(), lambda seen: seen == "start", seconds=30
        )
        _await_registry(as_user, name)
        refused = as_user(MAINTAINER, "import", str(layout[0]), f"{name}:1", check=False)
        assert refused.rc == 1
        assert "garbage is being collected" in refused.stderr
    finally:
        host.run(f"systemctl kill --signal KILL registry-garbage-collect; rm -r {drop_in}; systemctl daemon-reload")
        wait_until("it is over", lambda: host.run(state).stdout.strip(), lambda seen: seen == "failed", seconds=30)
        host.run("systemctl reset-failed registry-garbage-collect")
    wait_until(
        "the registry takes images again",
        lambda: as_user(MAINTAINER, "import", str(layout[0]), f"{name}:1", check=False).rc == 0,
        seconds=60,
    )


def test_a_registry_that_is_killed_in_a_push_has_all_from_before_and_takes_the_push_again(
    lab: Lab, host: Node, login: Path, as_user: Amalgam, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    folder, digest = layout
    large, reference = tmp_path / "large", f"{name}:large"
    write_layout(large, {"amd64": os.urandom(48 << 20)})
    as_user(MAINTAINER, "import", str(folder), f"{name}:1")
    before = _platform(lab), _listed(as_user, name)
    # What arrives lies there until it is whole.
    arrives = f"until find {_REPOSITORIES}/{name}/_uploads -name data -size +4M | grep -q .; do sleep 0.01; done"
    main = "systemctl show --property MainPID --value registry"
    watches = f"/run/{name.replace('/', '-')}"
    killer = host.start(f"touch {watches}; timeout 60 sh -c '{arrives}' && kill -KILL $({main}) && rm {watches}")
    wait_until("it is watched", lambda: host.run(f"test -e {watches}", check=False).rc == 0, seconds=30)
    interrupted = as_user(MAINTAINER, "import", str(large), reference, check=False)
    assert killer.wait(timeout=60) == 0
    _await_registry(as_user, name)
    listed = _listed(as_user, name)
    # The command tries twice more, so that the registry may be back in time.
    assert (listed.pop(reference, None) is None) == (interrupted.rc != 0)
    assert (_platform(lab), listed) == before

    as_user(MAINTAINER, "import", str(large), reference)
    for pushed, image in ((folder, f"{name}@{digest}"), (large, reference)):
        there = _pull(lab, login, image, tmp_path / f"{pushed.name}-back")
        assert there.keys() == {file.name for file in (pushed / "blobs" / "sha256").iterdir()}


@pytest.mark.parametrize("as_archive", [False, True], ids=["a layout", "an archive"])
def test_a_damaged_image_is_refused_and_its_tag_not_made(
    as_user: Amalgam, name: str, tmp_path: Path, as_archive: bool
) -> None:
    image = tmp_path / "image"
    write_layout(image, {"amd64": os.urandom(50_000)})
    largest = max((image / "blobs" / "sha256").iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[25_000] ^= 1
    largest.write_bytes(data)
    source = _packed(image, tmp_path / "image.tar") if as_archive else image
    refused = as_user(MAINTAINER, "import", str(source), f"{name}:1", check=False)
    assert refused.rc == 1
    assert "the image was not copied" in refused.stderr
    assert _listed(as_user, name) == {}


def test_a_full_disk_refuses_the_image_and_loses_none(
    lab: Lab, host: Node, as_user: Amalgam, layout: tuple[Path, str], name: str, tmp_path: Path
) -> None:
    write_layout(tmp_path / "large", {"amd64": os.urandom(4_000_000)})
    as_user(MAINTAINER, "import", str(layout[0]), f"{name}:small")
    before = _platform(lab), _listed(as_user, name)
    uploads = f"{_REPOSITORIES}/{name}/_uploads"
    # Uploads lie there until they are whole: a small file system in that place fills up like a disk.
    host.run(f"mkdir --parents {uploads} && mount -t tmpfs -o size=1m,uid=$(id -u registry),mode=0750 tmpfs {uploads}")
    try:
        refused = as_user(MAINTAINER, "import", str(tmp_path / "large"), f"{name}:large", check=False)
    finally:
        host.run(f"umount --lazy {uploads}")
    assert refused.rc == 1
    assert "disk is full" in refused.stderr
    assert (_platform(lab), _listed(as_user, name)) == before
    as_user(MAINTAINER, "import", str(tmp_path / "large"), f"{name}:large")
