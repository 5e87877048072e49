"""Harbor's REST API as far as it is used here. The paths and bodies are written down in ``tests/fixtures/harbor``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx

from amalgam.connection import Connection
from amalgam.credentials_file import Account
from amalgam.errors import AmalgamError

ADMINISTRATOR = "admin"
"""The account that every Harbor has from its first start."""

API = "/api/v2.0"
"""The API's root; its version is of its form, and no Harbor's."""
_PAGE_SIZE = 100  # Harbor's largest
_TIMEOUT_S = 60.0  # Harbor asks an endpoint whether it answers before it takes it


class HarborRefusedError(AmalgamError):
    """Harbor answered no; ``status`` is its HTTP status."""

    def __init__(self, status: int, what: str, where: str, remedy: str) -> None:
        """Keep the status, for those who know what it means."""
        self.status = status
        super().__init__(what, where=where, remedy=remedy)


class HarborClient(Connection):
    """One Harbor, asked by one account."""

    service = "Harbor"
    on_silence = "see `systemctl status harbor` on its host, and whether the firewall there lets this machine in"
    proxied = False  # it is inside the site

    def __init__(self, address: str, ca_certificate: str, password: str, username: str = ADMINISTRATOR) -> None:
        """Trust ``ca_certificate`` (PEM) alone for ``address`` (``HOST:PORT``). Nothing is sent yet."""
        account: Account = {"user": username, "password": password, "ca_certificate": ca_certificate}
        super().__init__(f"https://{address}", account, where=address, seconds=_TIMEOUT_S)

    def require_administrator(self) -> None:
        """Make sure that the password is right: without it, Harbor shows what is public and does not complain.

        Raises:
            AmalgamError: Harbor does not answer, is not trusted, or refuses the account.
        """
        try:
            known = self.get("/users/current")
        except HarborRefusedError as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise AmalgamError(
                f"Harbor refuses the password of {self.user} that is in the site's secrets",
                where=self.where,
                remedy="Harbor takes that password at its first start only: set the same one in Harbor, or restore "
                "the site's secrets from a backup",
            ) from None
        if not known.get("sysadmin_flag"):
            remedy = f"make {self.user} an administrator in Harbor again"
            raise AmalgamError(f"{self.user} is no administrator of Harbor", where=self.where, remedy=remedy)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The object at ``path`` below the API's root; ``None`` where the answer is empty."""
        answer = self._send("GET", API + path)
        return json.loads(answer.content) if answer.content.strip() else None

    def listed(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every object of a list, page by page."""
        seen, total, page = 0, 1, 1
        while seen < total:
            answer = self._send("GET", API + path, params={**query, "page": page, "page_size": _PAGE_SIZE})
            objects = answer.json() or []
            yield from objects
            seen, total, page = seen + len(objects), int(answer.headers.get("X-Total-Count", 0)), page + 1
            if not objects:  # somebody removed some meanwhile
                return

    def create(self, path: str, body: dict[str, Any]) -> int:
        """Make an object; its number, which Harbor names at the end of its location."""
        answer = self._send("POST", API + path, json=body)
        return int(answer.headers["Location"].rpartition("/")[2])

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Replace an object."""
        self._send("PUT", API + path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """Change a part of an object."""
        self._send("PATCH", API + path, json=body)

    def delete(self, path: str) -> None:
        """Remove an object."""
        self._send("DELETE", API + path)

    def accepts(self, username: str, password: str) -> bool:
        """Whether an account can log in to pull or push: asked as container clients do, which Harbor answers by status.

        The API itself shows strangers what is public, and so says nothing about a password.
        """
        try:
            self._send("GET", "/service/token", params={"service": "harbor-registry"}, auth=(username, password))
        except HarborRefusedError as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                return False
            raise
        return True

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        with self._telling_silence():
            answer = self._http.request(method, path, **options)
        if answer.is_success:
            return answer
        what = f"{method} {path}: {answer.status_code} {_reason(answer)}"
        remedy = (
            "Harbor's own logs say more (/var/log/harbor on its host); run again when it is well"
            if answer.is_server_error
            else "mend what Harbor names, and run again: what was done is kept"
        )
        raise HarborRefusedError(answer.status_code, what, self.where, remedy)


def _reason(answer: httpx.Response) -> str:
    """What Harbor says of a refusal: ``{"errors": [{"code": …, "message": …}]}``, or nothing."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(str(error["message"]) for error in errors)
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
