"""A group version that another server serves, and how that server is called."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from multidict import CIMultiDict

from controlplane.api.apiregistration_v1 import APIService
from controlplane.api.status import StatusError
from controlplane.apiserver.aggregation.availability import DEFAULT_PORT, is_available
from controlplane.apiserver.proxying.dialer import Destination, Dialer, Unreachable
from controlplane.apiserver.proxying.headers import identity
from controlplane.apiserver.service_resolver import Address, Resolve, Unresolvable
from controlplane.apiserver.tls import aggregated_context
from controlplane.auth.interface import SYSTEM_MASTERS, User
from controlplane.kit.files import modified

# Who asks when nobody in particular does: for discovery, for OpenAPI, and whether anybody is there.
AGGREGATOR = User("system:kube-aggregator", groups=(SYSTEM_MASTERS,))


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote APIService, ready to be called; `broken` says why it cannot be."""

    name: str
    group: str
    version: str
    namespace: str
    service: str
    port: int
    available: bool
    tls: ssl.SSLContext | None
    broken: str = ""

    @property
    def server(self) -> tuple[str, str, int]:
        """Which server this is: several group versions may be the same one's."""
        return self.namespace, self.service, self.port

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/{self.version}"

    def at(self, address: Address) -> Destination:
        return Destination(address.host, address.port, self.tls, f"{self.service}.{self.namespace}.svc")


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """The certificate by which extension servers know this server (--proxy-client-cert-file, -key-file)."""

    certificate: Path | None = None
    key: Path | None = None


class Contexts:
    """TLS contexts, made once for each CA bundle and made again when our certificate is renewed."""

    def __init__(self, front_proxy: FrontProxy):
        self._front_proxy = front_proxy
        self._made: dict[tuple[str, bool, int], ssl.SSLContext] = {}

    def of(self, ca_bundle: str, *, verify: bool) -> ssl.SSLContext:
        """Return the context for a CA bundle as APIServices carry it, base64 of PEM. Raises ValueError, OSError."""
        key = (ca_bundle, verify, modified(self._front_proxy.certificate))
        if key not in self._made:
            if len(self._made) > 256:
                self._made.clear()
            try:
                authority = base64.b64decode(ca_bundle, validate=True)
            except binascii.Error as error:
                raise ValueError(f"caBundle: {error}") from error
            front = self._front_proxy
            self._made[key] = aggregated_context(front.certificate, front.key, authority, verify=verify)
        return self._made[key]


def remote_of(service: APIService, contexts: Contexts) -> Remote | None:
    """Return the server behind an APIService; None for one that is served here."""
    spec, reference = service.spec, service.spec.service
    if reference is None:
        return None
    tls, broken = None, ""
    try:
        tls = contexts.of(spec.ca_bundle, verify=not spec.insecure_skip_tls_verify)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        broken = str(error)
    return Remote(
        service.metadata.name,
        spec.group,
        spec.version,
        reference.namespace,
        reference.name,
        reference.port or DEFAULT_PORT,
        is_available(service),
        tls,
        broken,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that is there as a whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """Asks extension servers in the server's own name."""

    def __init__(self, dialer: Dialer, resolve: Resolve):
        self._dialer, self._resolve = dialer, resolve

    def destination(self, remote: Remote) -> Destination:
        """Return where a remote is now. Raises Unreachable."""
        if remote.broken:
            raise Unreachable(remote.broken)
        try:
            return remote.at(self._resolve(remote.namespace, remote.service, remote.port))
        except (StatusError, Unresolvable) as error:
            raise Unreachable(str(error)) from error

    async def get(self, remote: Remote, path: str, *, seconds: float, accept: str, etag: str = "") -> Told:
        """Return the answer to a GET. Raises Unreachable."""
        destination = self.destination(remote)
        headers = CIMultiDict([("Host", destination.authority), ("Accept", accept), *identity(AGGREGATOR)])
        if etag:
            headers["If-None-Match"] = etag
        try:
            async with (
                asyncio.timeout(seconds),
                self._dialer.request(destination, "GET", path, headers) as reply,
            ):
                body = b"".join([chunk async for chunk in reply.chunks])
                return Told(reply.status, CIMultiDict(reply.headers), body)
        except TimeoutError as error:
            raise Unreachable(f"timed out waiting for {destination.url}{path}") from error
