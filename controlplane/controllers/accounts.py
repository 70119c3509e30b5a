"""A service account for each controller, so that each has only the rights of its own role.

    controller ─► AccountTransport ─► adds "Authorization: Bearer <token>" ─► a transport without a client certificate
                        │ none yet, or it ends soon
                        └─► AccountTokens: TokenRequest for kube-system/<account>, made by the manager's own identity

The connection shows no certificate: a server that sees both believes the certificate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from controlplane.api.authentication_v1 import TokenRequest, TokenRequestSpec
from controlplane.api.core_v1 import ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import AlreadyExists, NotFound
from controlplane.client.client import Client
from controlplane.client.transport import JSON, Query, Response, Transport
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import parse_time

_NAMESPACE = "kube-system"
_LIFETIME = 3600  # seconds
# A new token is fetched when this share of the old one's life is over.
_RENEW_AFTER = 0.8


class AccountToken:
    """The current token of one service account."""

    def __init__(self, client: Client, clock: Clock, account: str):
        self._client, self._clock, self._account = client, clock, account
        self._token = ""
        self._renew_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return a valid token, fetched now if need be. Raises StatusError, Unreachable."""
        if not self._is_fresh():
            async with self._lock:  # many requests may find at once that there is none
                if not self._is_fresh():
                    await self._fetch()
        return self._token

    def discard(self, token: str) -> None:
        """Forget a token that the server did not take."""
        if token == self._token:
            self._renew_at = None

    def _is_fresh(self) -> bool:
        return self._renew_at is not None and self._clock.now() < self._renew_at

    async def _fetch(self) -> None:
        asked_at = self._clock.now()
        try:
            answer = await self._request()
        except NotFound:
            with suppress(AlreadyExists):
                metadata = ObjectMeta(name=self._account, namespace=_NAMESPACE)
                await self._client.create(ServiceAccount(metadata=metadata))
            answer = await self._request()
        self._token = answer.status.token
        expires = answer.status.expiration_timestamp
        ends = parse_time(expires) if expires else asked_at + timedelta(seconds=_LIFETIME)
        self._renew_at = asked_at + (ends - asked_at) * _RENEW_AFTER

    async def _request(self) -> TokenRequest:
        body = TokenRequest(
            api_version="authentication.k8s.io/v1",
            kind="TokenRequest",
            spec=TokenRequestSpec(expiration_seconds=_LIFETIME),
        )
        return await self._client.create_subresource(
            ServiceAccount, self._account, "token", body, TokenRequest, _NAMESPACE
        )


class AccountTransport:
    """A transport as one service account, over another that has no identity of its own."""

    def __init__(self, transport: Transport, token: AccountToken):
        self._transport, self._token = transport, token

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        token = await self._token.get()
        options = {"query": query, "body": body, "content_type": content_type}
        response = await self._transport.request(method, path, headers=_with(headers, token), **options)  # type: ignore[arg-type]
        if response.status != 401:
            return response
        # The account may have been deleted and made anew: its old tokens are void, a new one will do.
        self._token.discard(token)
        renewed = _with(headers, await self._token.get())
        return await self._transport.request(method, path, headers=renewed, **options)  # type: ignore[arg-type]

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        sent = _with(headers, await self._token.get())
        async with self._transport.stream(method, path, query=query, headers=sent) as lines:
            yield lines


def _with(headers: Mapping[str, str] | None, token: str) -> dict[str, str]:
    return {**(headers or {}), "Authorization": f"Bearer {token}"}
