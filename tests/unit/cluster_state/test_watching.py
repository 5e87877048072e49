"""What is listed and watched stays in step with an API server that ends watches, forgets, breaks off and goes away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_state.api import Api
from cluster_state.cache import Cache
from cluster_state.resources.namespaces import NAMESPACES
from cluster_state.watching import Watcher

from amalgam.pki import make_authority
from tests.e2e.support.ports import reserved
from tests.unit.cluster_state.conftest import ApiServer, Credentials, bookmark, change, expired

Connect = Callable[..., Api]


def _namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "labels": labels, "resourceVersion": "1"}}


class Watched:
    """A cache of namespaces, its watcher, and the pauses that it made."""

    def __init__(self, api: Api) -> None:
        self.cache = Cache(NAMESPACES)
        self.pauses: list[float] = []
        self.watcher = Watcher(api, NAMESPACES.path, self.cache, self.pauses.append)
        self.step = self.watcher.step

    @property
    def names(self) -> list[str]:
        lines = [one for one in "".join(self.cache.text()).splitlines() if not one.startswith("#")]
        return [one.split('"')[1] for one in lines]


@pytest.fixture
def watched(api_server: ApiServer, connect: Connect) -> Watched:
    api_server.items = [_namespace("one"), _namespace("two"), _namespace("three")]
    api_server.position = 10
    return Watched(connect(api_server.port))


def test_all_pages_of_a_list_are_read_with_the_token(api_server: ApiServer, watched: Watched) -> None:
    api_server.page = 2
    watched.step()
    assert watched.names == ["one", "two", "three"]
    (path, first, token), (_, second, _), (_, watch, _) = api_server.asked
    assert (path, token) == ("/api/v1/namespaces", "Bearer a token")
    assert (first["limit"], second["continue"]) == ("500", "2")
    assert (watch["resourceVersion"], watch["allowWatchBookmarks"]) == ("10", "true")


def test_changes_are_followed_and_the_next_watch_goes_on_after_them(api_server: ApiServer, watched: Watched) -> None:
    api_server.watches = [
        [
            change("ADDED", _namespace("four"), 11),
            change("MODIFIED", _namespace("two", tier="x"), 12),
            change("DELETED", _namespace("one"), 13),
            bookmark(20),
        ]
    ]
    watched.step()
    assert watched.names == ["two", "three", "four"]
    assert 'label_tier="x"' in "".join(watched.cache.text())
    watched.step()
    assert [parameters.get("resourceVersion") for _, parameters, _ in api_server.asked] == [None, "10", "20"]
    assert watched.watcher.errors == 0
    assert watched.watcher.synced > 0


def test_what_the_server_has_forgotten_is_listed_again_and_is_no_error(api_server: ApiServer, watched: Watched) -> None:
    api_server.watches = [[expired()]]
    watched.step()
    api_server.items = [_namespace("other")]
    watched.step()
    assert watched.names == ["other"]
    assert watched.watcher.errors == 0


def test_a_watch_that_breaks_off_is_counted_and_all_is_listed_again(api_server: ApiServer, watched: Watched) -> None:
    api_server.watches = [[change("ADDED", _namespace("four"), 11), None]]
    watched.step()
    assert (watched.watcher.errors, len(watched.pauses)) == (1, 1)
    assert "four" in watched.names
    api_server.items, api_server.position = [_namespace("restored")], 3
    watched.step()
    assert watched.names == ["restored"], "a cluster that was restored begins again further back"


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_refusal_keeps_what_is_known_and_is_told_once(
    api_server: ApiServer, watched: Watched, status: int, capsys: pytest.CaptureFixture
) -> None:
    watched.step()
    synced = watched.watcher.synced
    api_server.status = status
    for _ in range(6):
        watched.step()
    assert watched.names == ["one", "two", "three"]
    assert (watched.watcher.errors, watched.watcher.synced) == (6, synced)
    assert capsys.readouterr().err.count(f"refused with {status}") == 1
    # The first pause is that of a watch that ended at once; the others grow up to half a minute.
    assert all(earlier < 2 * later for earlier, later in zip(watched.pauses[1:], watched.pauses[2:], strict=False))
    assert 10 < watched.pauses[-1] <= 30


def test_the_next_server_is_asked_where_one_is_away_and_stays_the_one(api_server: ApiServer, connect: Connect) -> None:
    api_server.items = [_namespace("one")]
    with reserved() as away:
        watched = Watched(connect(away, api_server.port))
        watched.step()
        assert watched.names == []
        watched.step()
        watched.step()
    assert watched.names == ["one"]
    assert watched.watcher.errors == 1


def test_a_server_with_a_certificate_of_another_authority_is_not_given_the_token(
    api_server: ApiServer, credentials: Credentials, tmp_path: Path
) -> None:
    other = tmp_path / "other.crt"
    other.write_text(make_authority("other").certificate)
    watched = Watched(Api((("127.0.0.1", api_server.port),), other, credentials.token))
    watched.step()
    assert watched.watcher.errors == 1
    assert api_server.asked == []


def test_a_token_that_was_changed_is_used_from_then_on(
    api_server: ApiServer, connect: Connect, credentials: Credentials
) -> None:
    watched = Watched(connect(api_server.port))
    watched.step()
    before = credentials.token.read_text()
    credentials.token.write_text("another\n")
    try:
        watched.step()
    finally:
        credentials.token.write_text(before)
    assert api_server.asked[-1][2] == "Bearer another"
