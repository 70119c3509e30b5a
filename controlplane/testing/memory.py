"""An API server without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from controlplane.apiserver.loopback import SYSTEM, LoopbackTransport
from controlplane.apiserver.node_dialer import NodeDialer
from controlplane.apiserver.proxying.dialer import Dialer
from controlplane.apiserver.security import SecuritySettings
from controlplane.apiserver.server import ApiServer, ServerSettings
from controlplane.auth.interface import User
from controlplane.auth.jwt import SigningKey
from controlplane.client.client import Client
from controlplane.kit.clock import Clock, SystemClock
from controlplane.pki.issue import new_key
from controlplane.store.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class MemoryApi:
    """A running API server and the store below it."""

    server: ApiServer
    store: MemoryStore

    def transport(self, user: User = SYSTEM) -> LoopbackTransport:
        """Return a `client.transport.Transport` that calls the server as `user`."""
        return LoopbackTransport(self.server.pipeline.handle, user)

    def client(self, user: User = SYSTEM) -> Client:
        return Client(self.transport(user))


def default_settings() -> ServerSettings:
    """Return the settings of a server on the loopback interface.

    ServiceAccount admission is off: it refuses pods until a controller has made the namespace's default account.
    """
    key = SigningKey.of(new_key())
    security = SecuritySettings(
        signing_key=key, verifying_keys=(key.key.public_key(),), disabled_plugins=("ServiceAccount",)
    )
    return ServerSettings(security=security)


@asynccontextmanager
async def memory_api(
    *,
    clock: Clock | None = None,
    random: Random | None = None,
    settings: ServerSettings | None = None,
    nodes: NodeDialer | None = None,
    dialer: Dialer | None = None,
) -> AsyncIterator[MemoryApi]:
    """Run an API server over an empty store until the block ends."""
    clock, random = clock or SystemClock(), random or Random(1)
    settings = settings or default_settings()
    async with (
        MemoryStore.open(clock) as store,
        ApiServer.running(store, settings, clock, random, nodes, dialer) as server,
    ):
        yield MemoryApi(server, store)
