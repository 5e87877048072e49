"""A connection to a service of a site by HTTPS, which trusts the site's authority alone and tells silence in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import ClassVar, Self

import httpx

from amalgam.credentials_file import Account
from amalgam.errors import AmalgamError


class UnreachableError(AmalgamError):
    """The service does not answer: nothing is known of it."""


class Connection:
    """To one service, as one of its users; a class for each service says what is asked. To be closed, or a context."""

    service: ClassVar[str]
    """What people call it."""
    on_silence: ClassVar[str]
    """What to see to when it does not answer."""
    proxied: ClassVar[bool] = True
    """Whether it is asked through the proxy that the environment names."""

    def __init__(
        self,
        url: str,
        account: Account,
        *,
        where: str,
        seconds: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect when first asked.

        Args:
            url: what paths are relative to.
            account: who asks, and the only authority that is trusted.
            where: said in errors.
            seconds: how long an answer may take.
            transport: a stand-in for the network, which shows no certificate.
        """
        self.where = where
        self.user = account["user"]
        self._http = httpx.Client(
            base_url=url,
            auth=(account["user"], account["password"]),
            verify=ssl.create_default_context(cadata=account["ca_certificate"]) if transport is None else True,
            # A session's cookie would make Harbor ask for a token against forged requests with every write.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            timeout=seconds,
            transport=transport,
            trust_env=self.proxied,
        )

    def __enter__(self) -> Self:
        """For ``with``, which closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._http.close()

    @contextmanager
    def _telling_silence(self) -> Iterator[None]:
        """Around what is sent.

        Raises:
            UnreachableError: there was no answer.
            AmalgamError: what answers is not trusted.
        """
        try:
            yield
        except httpx.HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                remedy = "it must show a certificate of the site's authority: run playbooks/site.yml"
                raise AmalgamError("its certificate is not trusted", where=self.where, remedy=remedy) from None
            what = f"{self.service} does not answer: {str(error) or type(error).__name__}"
            raise UnreachableError(what, where=self.where, remedy=self.on_silence) from error
