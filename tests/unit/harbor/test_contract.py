"""The simulated Harbor takes nothing that the written contract does not know: else it would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from amalgam.errors import AmalgamError
from amalgam.harbor.client import HarborClient
from tests.fixtures.harbor.contract import BrokenContractError, contract
from tests.fixtures.harbor.simulated_harbor import SimulatedHarbor, simulated_harbor
from tests.unit.harbor.conftest import PASSWORD


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "/projects", {"project_name": "x", "colour": "red"}, "colour"),
        ("POST", "/projects", {"project_name": "x", "metadata": {"public": True}}, "public"),
        ("PUT", "/projects/1", {"name": "x"}, "name"),
        ("PUT", "/projects/1/members/1", {"role_id": 9}, "role_id"),
        ("POST", "/retentions", {"algorithm": "or"}, "rules"),
        ("PUT", "/system/gc/schedule", {"schedule": {"type": "Custom", "cron": "0 5 * * *"}, "parameters": {}}, "cron"),
        ("PUT", "/webhooks/1", {}, "not in the contract"),
        ("DELETE", "/retentions/1", None, "not in the contract"),
    ],
)
def test_what_the_contract_does_not_know_is_refused(
    tmp_path: Path, method: str, path: str, body: dict | None, reason: str
) -> None:
    with (
        simulated_harbor(tmp_path, PASSWORD) as harbor,
        HarborClient(harbor.address, harbor.authority.certificate, PASSWORD) as client,
    ):
        verb = {"POST": client.create, "PUT": client.put}.get(method)

        with pytest.raises(AmalgamError, match=reason):
            verb(path, body) if verb else client.delete(path)

        assert len(harbor.broken) == 1
        assert next(iter(harbor.projects.values()))["name"] == "library"
        assert len(harbor.projects) == 1


def test_an_answer_that_the_contract_does_not_know_is_seen() -> None:
    for status, headers, body in ((204, {}, b""), (200, {}, b"[]"), (200, {"X-Total-Count": "1"}, b'[{"id": 1}]')):
        with pytest.raises(BrokenContractError):
            contract().check_answer("GET", "/api/v2.0/registries", status, headers, body)


def test_the_contract_says_which_harbor_it_describes() -> None:
    assert contract().document["info"]["version"]


def test_every_path_of_the_contract_is_served_by_the_simulated_harbor() -> None:
    harbor = SimulatedHarbor(PASSWORD)
    served = {(verb, f"/api/v2.0{path}") for verb, path, _ in harbor._routes()} | {("GET", "/service/token")}
    known = {
        (verb.upper(), "".join(_short(part) if part.startswith("{") else part for part in _parts(path)))
        for path, verbs in contract().document["paths"].items()
        for verb in verbs
    }
    assert served == known


def _short(part: str) -> str:
    """A name or a number, as the simulated Harbor writes its paths."""
    return "T" if part.strip("{}") in contract().document["x-names"] else "N"


def _parts(path: str) -> list[str]:
    return path.replace("{", "\0{").replace("}", "}\0").split("\0")


def test_a_sessions_cookie_would_make_writes_fail_and_is_never_sent_back(tmp_path: Path) -> None:
    with (
        simulated_harbor(tmp_path, PASSWORD) as harbor,
        HarborClient(harbor.address, harbor.authority.certificate, PASSWORD) as client,
    ):
        client.get("/users/current")  # is answered with a cookie
        assert client.create("/projects", {"project_name": "x", "metadata": {"public": "false"}})

        client._http.headers["Cookie"] = "sid=0123456789abcdef"
        with pytest.raises(AmalgamError, match="CSRF token invalid"):
            client.create("/projects", {"project_name": "y", "metadata": {"public": "false"}})
