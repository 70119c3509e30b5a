"""The store that settings name: the one inside, or an etcd; `serve_inside` serves the one inside to others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from controlplane.cmd.settings import SettingsError, seconds
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.kit.clock import Clock
    from controlplane.store.compaction import CompactionPolicy
    from controlplane.store.etcd.server import Member
    from controlplane.store.etcd.tls import Identity
    from controlplane.store.interface import ServedStore, Store

_log = logging.getLogger(__name__)

Values = Mapping[str, Any]


@asynccontextmanager
async def open_store(values: Values, clock: Clock) -> AsyncIterator[Store]:
    """Open the store that an API server's --etcd-servers names; the one inside if it names none. Raises Explained."""
    servers = values["etcd-servers"] or [f"sqlite://{values['data-dir']}/store.db"]
    kind, _, path = servers[0].partition(":")
    policy = compaction(values["etcd-compaction-interval"])
    opening: AbstractAsyncContextManager[Store]
    if kind in ("http", "https"):
        if values["listen-client-urls"]:
            raise SettingsError("--listen-client-urls serves the store inside; --etcd-servers says to use an etcd")
        opening = _etcd(values, servers, clock, policy)
    elif kind == "memory":
        opening = _memory(clock, policy)
    elif kind == "sqlite":
        opening = open_sqlite(Path(path.removeprefix("//")), clock, policy)
    else:
        raise SettingsError(
            f"--etcd-servers: {servers[0]!r} is neither the URL of an etcd nor memory: nor sqlite:///PATH"
        )
    async with opening as store:
        yield store


@asynccontextmanager
async def serve_inside(store: Store, values: Values, clock: Clock, random: Random) -> AsyncIterator[None]:
    """Serve the store inside at an API server's --listen-client-urls, until the block ends. Raises Explained."""
    async with AsyncExitStack() as stack:
        if urls := values["listen-client-urls"]:
            # In a thread, for it takes a tenth of a second, in which the API answers already.
            await asyncio.to_thread(import_module, "controlplane.store.etcd.server")
            identity = identity_of(values, "etcd-server-certfile", "etcd-server-keyfile", "etcd-cafile")
            served = cast("ServedStore", store)  # who has set these URLs uses no etcd: `open_store`
            await stack.enter_async_context(serve_store(served, urls, urls, identity, clock, random))
        yield


def compaction(interval: str) -> CompactionPolicy | None:
    from controlplane.store.compaction import CompactionPolicy

    every = seconds(interval)
    return CompactionPolicy(every, every) if every else None


@asynccontextmanager
async def _memory(clock: Clock, policy: CompactionPolicy | None) -> AsyncIterator[ServedStore]:
    from controlplane.store.memory import MemoryStore

    async with MemoryStore.open(clock) as store, _compacting(store, clock, policy):
        yield store


@asynccontextmanager
async def open_sqlite(file: Path, clock: Clock, policy: CompactionPolicy | None) -> AsyncIterator[ServedStore]:
    """Open a store's file, or make it; of one that is damaged, what can be read. Raises Explained."""
    from controlplane.store.errors import StoreCorrupt
    from controlplane.store.interface import StoreError
    from controlplane.store.sqlite import SqliteStore
    from controlplane.store.sqlite.salvage import open_damaged

    store: ServedStore
    async with AsyncExitStack() as stack:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                store = await stack.enter_async_context(SqliteStore.open(file, clock, policy))
            except StoreCorrupt:
                store = damaged = await stack.enter_async_context(open_damaged(file, clock))
                _log.critical("%s", damaged.reason)
        except StoreError as error:
            raise Explained(f"cannot open the store: {error}") from error
        except OSError as error:
            raise Explained(f"--data-dir: cannot make {file.parent}: {error.strerror}") from error
        yield store


@asynccontextmanager
async def _etcd(
    values: Values, servers: Sequence[str], clock: Clock, policy: CompactionPolicy | None
) -> AsyncIterator[Store]:
    from controlplane.store.etcd.client import EtcdStore
    from controlplane.store.etcd.root import Root
    from controlplane.store.interface import StoreError

    prefix = "/" + values["etcd-prefix"].strip("/")
    identity = identity_of(values, "etcd-certfile", "etcd-keyfile", "etcd-cafile")
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(EtcdStore.open(servers, identity, clock, Root("/registry", prefix)))
            await store.revision()
        except StoreError as error:
            raise Explained(f"--etcd-servers: {error}") from error
        await stack.enter_async_context(_compacting(store, clock, policy))
        yield store


@asynccontextmanager
async def _compacting(store: Store, clock: Clock, policy: CompactionPolicy | None) -> AsyncIterator[None]:
    from controlplane.kit.tasks import running
    from controlplane.store.compaction import Compactor

    async with running(*([Compactor(store, clock, policy).run()] if policy else [])):
        yield


def identity_of(values: Values, certificate: str, key: str, authority: str) -> Identity:
    """Return the files that three settings name."""
    from controlplane.store.etcd.tls import Identity

    return Identity(*(Path(values[name]) if values[name] else None for name in (certificate, key, authority)))


@asynccontextmanager
async def serve_store(
    store: ServedStore,
    urls: Sequence[str],
    advertised: Sequence[str],
    identity: Identity,
    clock: Clock,
    random: Random,
    name: str = "default",
) -> AsyncIterator[None]:
    """Serve a store as an etcd at URLs, until the block ends. Raises Explained."""
    from controlplane.store.etcd.server import EtcdServer, Member
    from controlplane.store.interface import StoreError

    member: Member = Member(name, tuple(advertised))
    addresses = [_address(url) for url in urls]
    async with AsyncExitStack() as stack:
        reason = damage_of(store)
        try:
            await stack.enter_async_context(
                EtcdServer.listening(store, addresses, identity, clock, random, member=member, problem=lambda: reason)
            )
        except StoreError as error:
            raise Explained(f"--listen-client-urls: {error}") from error
        yield


def damage_of(store: Store) -> str:
    """Return what is wrong with a store that can only be read; "" for any other."""
    from controlplane.store.damaged import DamagedStore

    return store.reason if isinstance(store, DamagedStore) else ""


def _address(url: str) -> str:
    """Return host:port of a URL. Raises SettingsError."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.port is None:
        raise SettingsError(f"--listen-client-urls: {url!r} is not https://ADDRESS:PORT (there is no port without TLS)")
    return f"[{parts.hostname}]:{parts.port}" if ":" in parts.hostname else f"{parts.hostname}:{parts.port}"
