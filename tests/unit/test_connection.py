"""Every service of a site is asked alike: as whom, trusting whom, and with words for what does not answer."""

from __future__ import annotations

import ssl

import httpx
import pytest

from amalgam.connection import Connection, UnreachableError
from amalgam.credentials_file import Account
from amalgam.errors import AmalgamError, told_as

ACCOUNT = Account(user="alice", password="secret-canary", ca_certificate="PEM")


class Clock(Connection):
    service = "the clock"
    on_silence = "wind it up"

    def time(self) -> str:
        with self._telling_silence():
            return self._http.get("time").text


def clock(answer) -> Clock:
    transport = httpx.MockTransport(answer)
    return Clock("https://clock/api/", ACCOUNT, where="clock", seconds=5, transport=transport)


def test_it_is_asked_as_its_user_and_keeps_no_session() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers.get("Authorization"), request.headers.get("Cookie")))
        return httpx.Response(200, text="noon", headers={"Set-Cookie": "session=1"})

    with clock(answer) as one:
        assert [one.time(), one.time()] == ["noon", "noon"]
    login = httpx.BasicAuth("alice", "secret-canary")._auth_header
    assert seen == [("https://clock/api/time", login, None)] * 2


def test_silence_is_told_with_what_to_see_to() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(UnreachableError) as caught:
        clock(answer).time()
    assert str(caught.value) == "clock: the clock does not answer: ReadTimeout\n  remedy: wind it up"


def test_who_is_not_trusted_has_answered() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")

    with pytest.raises(AmalgamError, match="not trusted") as caught:
        clock(answer).time()
    assert not isinstance(caught.value, UnreachableError)


def test_without_a_stand_in_the_authority_has_to_be_one() -> None:
    with pytest.raises(ssl.SSLError):
        Clock("https://clock/", ACCOUNT, where="clock", seconds=5)


def test_an_error_is_told_as_the_callers_own_with_its_remedy() -> None:
    with pytest.raises(ValueError, match="broken\n  remedy: mend it"), told_as(ValueError):
        raise AmalgamError("broken", remedy="mend it")
