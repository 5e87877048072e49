"""The registry lets every node pull the platform's images, and only the site push them."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from amalgam.pins import load_lock
from tests.testinfra.http import status
from tests.testinfra.site_facts import SiteFacts

IMAGES = sorted(load_lock().images)
_INDEX = "Accept: application/vnd.oci.image.index.v1+json"


@pytest.mark.parametrize("image", IMAGES)
def test_every_image_of_the_lock_can_be_pulled_as_an_index(bundle_host: Host, facts: SiteFacts, image: str) -> None:
    pin = load_lock().image(image)
    url = f"https://{facts.registry}/v2/{pin.repository}/manifests/{pin.tag}"
    assert status(bundle_host, url, "--head", "--header", _INDEX) == "200"


def test_every_node_may_pull(each_node: Host, facts: SiteFacts) -> None:
    pin = load_lock().image("pause")
    url = f"https://{facts.registry}/v2/{pin.repository}/manifests/{pin.tag}"
    assert status(each_node, url, "--header", _INDEX) == "200"


@pytest.mark.parametrize("login", [(), ("--user", "amalgam:wrong"), ("--user", "nobody:")])
def test_a_push_without_the_password_is_refused(each_node: Host, facts: SiteFacts, login: tuple[str, ...]) -> None:
    url = f"https://{facts.registry}/v2/canary/blobs/uploads/"
    assert status(each_node, url, "--request", "POST", "--data", "", *login) == "401"


def test_a_deletion_without_the_password_is_refused(each_node: Host, facts: SiteFacts) -> None:
    pin = load_lock().image("pause")
    url = f"https://{facts.registry}/v2/{pin.repository}/manifests/{pin.tag}"
    assert status(each_node, url, "--request", "DELETE") == "401"


def test_plain_http_is_refused(each_node: Host, facts: SiteFacts) -> None:
    assert status(each_node, f"http://{facts.registry}/v2/") == "400"


def test_the_registry_behind_the_web_server_is_reached_from_its_own_host_only(bundle_host: Host) -> None:
    assert bundle_host.socket("tcp://127.0.0.1:5001").is_listening
    assert not bundle_host.socket("tcp://0.0.0.0:5001").is_listening


def test_files_with_secrets_are_for_those_who_need_them(bundle_host: Host) -> None:
    settings = bundle_host.file("/etc/amalgam/registry.env")
    assert (settings.mode, settings.user) == (0o600, "root")
    passwords = bundle_host.check_output("stat --format '%a %U %G' /etc/amalgam/registry/*").splitlines()
    assert set(passwords) == {"640 root www-data"}


def test_the_registry_cannot_write_anywhere_but_to_its_images(bundle_host: Host) -> None:
    process = bundle_host.process.get(comm="registry")
    assert process.user == "registry"
    assert bundle_host.file("/srv/amalgam/registry").mode == 0o750


def test_garbage_is_collected_by_a_timer_and_the_registry_is_not_read_only_now(bundle_host: Host) -> None:
    assert bundle_host.service("registry-garbage-collect.timer").is_running
    assert bundle_host.service("registry-garbage-collect.timer").is_enabled
    assert not bundle_host.file("/run/registry-read-only.env").exists
