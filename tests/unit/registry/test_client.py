"""What is said of images, by a registry that answers from memory and by a simulated Harbor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from amalgam import pki
from amalgam.errors import AmalgamError
from amalgam.registry.client import Image, Registry
from amalgam.registry.credentials import Credentials
from amalgam.registry.harbor import HarborRegistry, connect
from amalgam.registry.reference import Reference, parse
from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor, simulated_harbor

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AMD64, ARM64, CONFIG = "sha256:a", "sha256:b", "sha256:c"
TRAINER = parse("vision/trainer:1.0")


def layer(digest: str, size: int) -> dict[str, Any]:
    """A layer as a manifest names it."""
    return {"digest": digest, "size": size}


CONTENT = {
    AMD64: (MANIFEST, {"schemaVersion": 2, "config": {"digest": CONFIG}, "layers": [layer("1", 5), layer("2", 7)]}),
    ARM64: (MANIFEST, {"schemaVersion": 2, "config": {"digest": CONFIG}, "layers": [layer("1", 5)]}),
}
BOTH = {
    "schemaVersion": 2,
    "manifests": [
        {"digest": AMD64, "platform": {"architecture": "amd64", "os": "linux"}},
        {"digest": ARM64, "platform": {"architecture": "arm64", "os": "linux"}},
        {"digest": "sha256:gone", "platform": {"architecture": "unknown", "os": "unknown"}},
    ],
}


Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], Registry]]:
    """A registry that answers so, as one of its users asks it."""
    authority = pki.make_authority("test").certificate
    login = Credentials(registry="registry.test", user="alice", password="word", ca_certificate=authority)
    with Registry(login) as asked:

        def answering(answer: Answer) -> Registry:
            client = httpx.Client(transport=httpx.MockTransport(answer), base_url="https://registry.test")
            monkeypatch.setattr(asked, "_http", client)
            return asked

        yield answering


@pytest.mark.parametrize("status", [401, 403], ids=["a wrong password, or none who may", "no right"])
def test_who_is_refused_hears_of_rights_and_of_credentials(registry: Callable, status: int) -> None:
    asked = registry(lambda _: httpx.Response(status))

    with pytest.raises(AmalgamError, match="alice has no right to this: the images of vision") as refused:
        asked.repositories("vision")
    assert refused.value.remedy == "ask the platform's administrator for the right, or for new credentials"


@pytest.fixture
def describe(registry: Callable[[Answer], Registry]) -> Callable[[str, dict[str, Any]], Image | None]:
    """What is said of a tag that leads to this manifest of this type."""

    def run(content_type: str, manifest: dict[str, Any]) -> Image | None:
        known = {**CONTENT, TRAINER.tag: (content_type, manifest)}

        def answer(request: httpx.Request) -> httpx.Response:
            *_, kind, name = request.url.path.split("/")
            if kind == "blobs":
                return httpx.Response(200, json={"architecture": "arm64"})
            if name not in known:
                return httpx.Response(404)
            headers = {"Content-Type": known[name][0], "Docker-Content-Digest": "sha256:whole"}
            return httpx.Response(200, json=known[name][1], headers=headers)

        return registry(answer).describe(TRAINER)

    return run


@pytest.mark.parametrize("content_type", [INDEX, f"{INDEX}; charset=utf-8", "application/json"])
@pytest.mark.parametrize("media_type", [{"mediaType": INDEX}, {}], ids=["told", "not told"])
def test_an_index_is_known_by_its_type_or_its_content(
    describe: Callable, content_type: str, media_type: dict[str, str]
) -> None:
    assert describe(content_type, BOTH | media_type) == Image(TRAINER, "sha256:whole", ("amd64", "arm64"), 12)


@pytest.mark.parametrize("media_type", [{"mediaType": MANIFEST}, {}], ids=["told", "not told"])
def test_an_image_of_one_architecture_has_it_from_its_configuration(
    describe: Callable, media_type: dict[str, str]
) -> None:
    assert describe(MANIFEST, CONTENT[AMD64][1] | media_type) == Image(TRAINER, "sha256:whole", ("arm64",), 12)


def test_an_artifact_without_configuration_or_layers_has_no_architecture(describe: Callable) -> None:
    assert describe(MANIFEST, {"schemaVersion": 2}) == Image(TRAINER, "sha256:whole", (), 0)


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[SimulatedHarbor]:
    """A Harbor with two projects, and more repositories than a page has."""
    with simulated_harbor(tmp_path, "password") as running:
        running.make_project("vision")
        running.make_project("nlp")
        running.tags = {f"vision/{n:03}/base": {"1.0", "2.0"} for n in range(120)}
        yield running
    assert running.broken == []


def login(harbor: SimulatedHarbor, user: str = "admin", password: str = "password") -> Credentials:
    """Credentials for the simulated Harbor."""
    authority = harbor.authority.certificate
    return Credentials(
        registry=harbor.address, user=user, password=password, ca_certificate=authority, backend="harbor"
    )


def robot(harbor: SimulatedHarbor, *access: str) -> Credentials:
    """A robot account of the project ``vision`` with these permissions."""
    pairs = [dict(zip(("resource", "action"), one.split(":"), strict=True)) for one in access]
    permissions = [{"kind": "project", "namespace": "vision", "access": pairs}]
    harbor.robots[1000] = {"id": 1000, "disable": False, "name": "robot$vision+ci", "permissions": permissions}
    harbor.robot_secrets[1000] = "secret"
    return login(harbor, "robot$vision+ci", "secret")


def test_credentials_say_which_registry_it_is(harbor: SimulatedHarbor) -> None:
    assert isinstance(connect(login(harbor)), HarborRegistry)
    assert type(connect(login(harbor).model_copy(update={"backend": "distribution"}))) is Registry


def test_harbor_lists_a_projects_repositories_page_by_page(harbor: SimulatedHarbor) -> None:
    with connect(login(harbor)) as registry:
        assert registry.repositories("vision") == sorted(harbor.tags)
        assert registry.repositories("nlp") == []
        assert registry.repositories("absent") == []


def test_harbor_removes_a_tag_and_no_other_of_the_image(harbor: SimulatedHarbor) -> None:
    with connect(login(harbor)) as registry:
        registry.repositories("vision")  # is answered with a cookie, which would have the next write refused
        registry.delete(Reference("vision/000/base", "1.0"))
        assert harbor.tags["vision/000/base"] == {"2.0"}
        with pytest.raises(AmalgamError, match=r"there is no vision/000/base:1\.0"):
            registry.delete(Reference("vision/000/base", "1.0"))


def test_a_robot_does_in_harbor_what_its_permissions_say(harbor: SimulatedHarbor) -> None:
    with connect(robot(harbor, "repository:pull", "repository:list")) as registry:
        assert len(registry.repositories("vision")) == 120
        with pytest.raises(AmalgamError, match="has no right to this"):
            registry.delete(Reference("vision/000/base", "1.0"))
        with pytest.raises(AmalgamError, match="has no right to this"):
            registry.repositories("nlp")
    with connect(robot(harbor, "tag:delete")) as registry:
        registry.delete(Reference("vision/000/base", "1.0"))
