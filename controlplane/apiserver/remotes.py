"""The API server as a client of other people's servers: webhooks by their kubeconfig, identity providers by URL."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from controlplane.auth.remote import Ask, Reply, Unanswering
from controlplane.client.kubeconfig import load
from controlplane.client.transport import HttpTransport, Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_TIMEOUT = 30.0  # seconds; upstream's for every webhook
_LARGEST = 1 << 20  # bytes of an identity provider's document worth reading


class Remotes:
    """Opens connections and closes them all at the end."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._transports: list[HttpTransport] = []

    def webhook(self, kubeconfig: Path, timeout: float = _TIMEOUT) -> Ask:
        """Return what posts to the very URL that a kubeconfig names. Raises KubeconfigError, BadCredentials."""
        transport = load(kubeconfig).connection().open(self._clock, timeout=timeout)
        self._transports.append(transport)

        async def ask(body: bytes) -> Reply:
            try:
                answer = await transport.request("POST", "", body=body, headers={"Accept": "application/json"})
            except Unreachable as error:
                timed_out = isinstance(error.__cause__, TimeoutError)
                passing = isinstance(error.__cause__, ConnectionResetError | aiohttp.ServerDisconnectedError)
                raise Unanswering(str(error), passing=passing, timed_out=timed_out) from error
            return Reply(answer.status, answer.body)

        return ask

    async def close(self) -> None:
        for transport in self._transports:
            await transport.close()


class Fetcher:
    """Reads documents by HTTPS, rarely: a connection a document."""

    def __init__(self, authority: str = ""):
        """Trust who `authority` (PEM) names, or without it whom this machine trusts. Raises ssl.SSLError."""
        self._tls = ssl.create_default_context(cadata=authority or None)

    async def __call__(self, url: str) -> bytes:
        """Return the body. Raises Unanswering."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.get(url, ssl=self._tls, headers={"Accept": "application/json"}) as answer,
            ):
                body = await answer.content.read(_LARGEST)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = getattr(error, "os_error", error)  # without aiohttp's account of its connector
            raise Unanswering(f"GET {url}: {why or type(error).__name__}", passing=True) from error
        if answer.status != 200:
            raise Unanswering(f"GET {url}: {answer.status}: {body[:200].decode(errors='replace')}")
        return body
