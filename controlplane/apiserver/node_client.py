"""A NodeDialer over aiohttp."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from yarl import URL

from controlplane.apiserver.messages import WebSocket
from controlplane.apiserver.node_dialer import NodeAddress, NodeAnswer, NodeRefused, NodeUnreachable
from controlplane.apiserver.websocket import AiohttpWebSocket
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_CONNECT = 10.0  # seconds
_LONGEST_REASON = 4096  # bytes


class NodeClient:
    """Dials nodes over TLS; the certificate at the other end must name the address that was dialled."""

    def __init__(self, tls: ssl.SSLContext):
        self.tls = tls
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def request(
        self, method: str, address: NodeAddress, target: str, *, body: bytes = b"", headers: Mapping[str, str]
    ) -> AsyncIterator[NodeAnswer]:
        url = URL(address.url + target, encoded=True)
        try:
            answer = await self._open().request(
                method, url, data=body or None, headers=headers, ssl=self.tls, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NodeUnreachable(f'{method.title()} "{url}": {_say(error)}') from error
        try:
            yield NodeAnswer(answer.status, answer.headers, _chunks(answer, str(url)))
        finally:
            answer.close()

    async def websocket(self, address: NodeAddress, target: str, protocols: Sequence[str]) -> tuple[str, WebSocket]:
        url = URL(address.url + target, encoded=True)
        try:
            socket = await self._open().ws_connect(url, protocols=protocols, ssl=self.tls, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            raise NodeRefused(error.status, await self._why(url, error)) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NodeUnreachable(f'Get "{url}": {_say(error)}') from error
        return socket.protocol or "", AiohttpWebSocket(socket)

    async def _why(self, url: URL, refusal: aiohttp.WSServerHandshakeError) -> str:
        """Ask once more without the handshake, for its failure hides what the node said."""
        try:
            async with self._open().get(url, ssl=self.tls, allow_redirects=False) as answer:
                said = (await answer.content.read(_LONGEST_REASON)).decode(errors="replace").strip()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return refusal.message
        return said if said and answer.status == refusal.status else refusal.message

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
            # As many as are asked for: every log that is followed and every shell is one, for as long as it lasts.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), connector=connector
            )
        return self._session


async def _chunks(answer: aiohttp.ClientResponse, url: str) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise NodeUnreachable(f"{url}: {_say(error)}") from error


def _say(error: BaseException) -> str:
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
