"""Calling webhooks over HTTPS, by URL or by Service; connections and TLS settings are kept between calls."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
import ssl
from typing import TYPE_CHECKING

from yarl import URL

from controlplane.admission.outside import CallFailed
from controlplane.api.status import StatusError
from controlplane.api.webhook_clients import ClientConfig
from controlplane.apiserver.service_resolver import Resolve, Unresolvable
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_PORT = 443  # of a Service, where the configuration does not say
_LARGEST = 32 * 1024 * 1024  # bytes of an answer that are read
_MOST_CONTEXTS = 200  # TLS settings that are kept
_SHOWN = 1024  # characters of a refused call's answer that are shown


class WebhookClient:
    """Sends requests to webhooks. A Service's certificate must name it: `<service>.<namespace>.svc`."""

    def __init__(self, resolve: Resolve):
        self._resolve = resolve
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[tuple[str, str], ssl.SSLContext] = {}

    async def call(self, config: ClientConfig, body: bytes, timeout: float) -> bytes:
        """POST `body` as JSON; return the body of a 2xx answer within `timeout` seconds. Raises CallFailed."""
        shown = _url(config).update_query(timeout=f"{math.ceil(timeout)}s")
        target = self._target(config, shown)
        try:
            async with asyncio.timeout(timeout):
                return await self._post(config, body, shown, target)
        except TimeoutError as error:
            raise CallFailed(f'Post "{shown}": context deadline exceeded') from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed(f'Post "{shown}": {_say(error)}') from error

    async def __aenter__(self) -> WebhookClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _target(self, config: ClientConfig, shown: URL) -> URL:
        """Return where to connect to. Raises CallFailed."""
        service = config.service
        if service is None:
            return shown
        try:
            address = self._resolve(service.namespace, service.name, service.port or _PORT)
        except (StatusError, Unresolvable) as error:
            raise CallFailed(f'Post "{shown}": {error}') from error
        return shown.with_host(address.host).with_port(address.port)

    async def _post(self, config: ClientConfig, body: bytes, shown: URL, target: URL) -> bytes:
        host = shown.host or ""
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        if target is not shown:
            headers["Host"] = f"{host}:{shown.port}"
        async with self._open().post(
            target,
            data=body,
            headers=headers,
            ssl=self._context(config.ca_bundle, host),
            server_hostname=host,
            allow_redirects=False,
        ) as answer:
            data = await answer.content.read(_LARGEST)
            if not 200 <= answer.status < 300:
                raise CallFailed(_refused(answer.status, data))
            return data

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _context(self, bundle: str, host: str) -> ssl.SSLContext:
        """Return who may answer: whom the bundle vouches for, without one whom the system does.

        One a host name, so that a kept connection is only used again for the name that its certificate was checked for.
        """
        context = self._contexts.get((bundle, host))
        if context is None:
            try:
                authorities = base64.b64decode(bundle, validate=True).decode() if bundle else None
                context = ssl.create_default_context(cadata=authorities)
            except (binascii.Error, ValueError, ssl.SSLError) as error:
                raise CallFailed(f"unable to load root certificates: {error}") from error
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts)))  # the oldest: bundles are renewed now and then
            self._contexts[bundle, host] = context
        return context


def _url(config: ClientConfig) -> URL:
    """Return what is called, as messages show it. Raises CallFailed."""
    service = config.service
    if service is not None:
        host, port = f"{service.name}.{service.namespace}.svc", service.port or _PORT
        return URL(f"https://{host}/{service.path.lstrip('/')}").with_port(port)
    if not config.url:
        raise CallFailed("webhook configuration must have either service or URL")
    return URL(config.url)


def _refused(status: int, data: bytes) -> str:
    text = data.decode(errors="replace").strip()[:_SHOWN]
    if status == 404:
        return "the server could not find the requested resource"
    if status >= 500:
        return f'an error on the server ("{text}") has prevented the request from succeeding'
    return f"the server rejected our request: {status} {text}".rstrip()


def _say(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return f"tls: failed to verify certificate: x509: {reason}"
    if isinstance(error, aiohttp.ClientConnectorError):
        kind = "connect: connection refused" if isinstance(error.os_error, ConnectionRefusedError) else str(error)
        return f"dial tcp {error.host}:{error.port}: {kind}"
    return str(error) or type(error).__name__
