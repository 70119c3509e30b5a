"""An API server on the loopback interface, with certificates of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from controlplane.apiserver.http import HttpServer
from controlplane.apiserver.node_dialer import NodeDialer
from controlplane.apiserver.proxying.dialer import Dialer
from controlplane.apiserver.server import ApiServer, ServerSettings
from controlplane.apiserver.tls import server_context
from controlplane.auth.interface import SYSTEM_MASTERS
from controlplane.auth.request_header import RequestHeaderSettings
from controlplane.kit.clock import Clock, SystemClock
from controlplane.pki import kubeconfig
from controlplane.pki.issue import Leaf, Pair, issue, new_authority
from controlplane.testing.memory import MemoryApi, default_settings, memory_api

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class HttpsApi:
    """A listening API server: `directory` holds its certificates and kubeconfigs."""

    memory: MemoryApi
    port: int
    directory: Path
    authority: Pair
    clock: Clock

    @property
    def url(self) -> str:
        return f"https://{_HOST}:{self.port}"

    @property
    def server(self) -> ApiServer:
        return self.memory.server

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "admin.conf"

    def kubeconfig_of(self, user: str, *groups: str, born: datetime | None = None, days: int = 1) -> Path:
        """Write a kubeconfig for a user with a certificate, whose life begins at `born` (now)."""
        certificate = issue(Leaf(user, groups), self.authority, born or self.clock.now(), timedelta(days=days))
        file = self.directory / f"{user.replace(':', '-')}.conf"
        ca = self.authority.certificate_pem
        file.write_text(kubeconfig.render(self.url, ca, user, pair=certificate))
        return file

    def write_pair(self, name: str, pair: Pair) -> tuple[Path, Path]:
        """Write a certificate and its key; return their files."""
        return _write(self.directory, name, pair)


@asynccontextmanager
async def https_api(
    directory: Path,
    *,
    clock: Clock | None = None,
    random: Random | None = None,
    settings: ServerSettings | None = None,
    nodes: NodeDialer | None = None,
    dialer: Dialer | None = None,
    proxies: RequestHeaderSettings | None = None,
) -> AsyncIterator[HttpsApi]:
    """Serve on a free port of 127.0.0.1 until the block ends; `proxies` may say in headers who calls."""
    clock = clock or SystemClock()
    now = clock.now()
    authority = new_authority("kubernetes", now)
    serving = Leaf("kube-apiserver", (), ("localhost",), (_HOST,), ("digital signature", "server auth"))
    certificate, key = _write(directory, "apiserver", issue(serving, authority, now))
    _write(directory, "ca", authority)
    proxies_ca = None
    if proxies is not None:
        settings = _believing(settings or default_settings(), proxies, authority)
        proxies_ca = directory / "proxies-ca.crt"
        proxies_ca.write_bytes(proxies.client_ca)
    async with memory_api(clock=clock, random=random, settings=settings, nodes=nodes, dialer=dialer) as memory:
        tls = server_context(certificate, key, directory / "ca.crt", proxies_ca)
        http = HttpServer(memory.server.pipeline.handle, tls)
        async with http.listening(_HOST, 0, drain=0.1) as port:
            api = HttpsApi(memory, port, directory, authority, clock)
            api.kubeconfig_of("admin", SYSTEM_MASTERS)
            yield api


def _believing(settings: ServerSettings, proxies: RequestHeaderSettings, authority: Pair) -> ServerSettings:
    security = replace(settings.security, request_headers=proxies, client_ca=authority.certificate_pem)
    return replace(settings, security=security)


def _write(directory: Path, name: str, pair: Pair) -> tuple[Path, Path]:
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    return certificate, key
