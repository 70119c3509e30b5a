"""Every store there is, for the one suite that all of them pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from controlplane.kit.clock import Clock, ManualClock, SystemClock
from controlplane.store.etcd.client import EtcdStore
from controlplane.store.etcd.server import EtcdServer
from controlplane.store.interface import ServedStore, Store
from controlplane.store.memory import MemoryStore
from controlplane.store.sqlite import SqliteStore
from tests.fakes.etcd import Certificates, make_certificates, real_etcd

Opener = Callable[[Path, Clock, Certificates], AbstractAsyncContextManager[Store]]
Served = Callable[[Path, Clock], AbstractAsyncContextManager[ServedStore]]
Elapse = Callable[[float], Awaitable[None]]
"""Lets seconds pass: at once where the store's clock is ours, really where it is an etcd's."""

SERVED: dict[str, Served] = {
    "memory": lambda _, clock: MemoryStore.open(clock),
    "sqlite": lambda path, clock: SqliteStore.open(path / "store" / "db", clock, compaction=None),
}


@asynccontextmanager
async def over_our_etcd(served: Served, path: Path, clock: Clock, tls: Certificates) -> AsyncIterator[Store]:
    async with (
        served(path, clock) as store,
        EtcdServer.listening(store, ["127.0.0.1:0"], tls.server, clock, Random(1)) as (port,),
        EtcdStore.open([f"https://127.0.0.1:{port}"], tls.client, SystemClock()) as client,
    ):
        yield client


@asynccontextmanager
async def over_real_etcd(path: Path, clock: Clock, tls: Certificates) -> AsyncIterator[Store]:
    async with (
        real_etcd(path / "etcd", tls) as (member,),
        EtcdStore.open([member.endpoint], tls.client, SystemClock()) as client,
    ):
        yield client


OPENERS: dict[str, Opener] = {
    "memory": lambda path, clock, _: SERVED["memory"](path, clock),
    "sqlite": lambda path, clock, _: SERVED["sqlite"](path, clock),
    "etcd-of-memory": lambda path, clock, tls: over_our_etcd(SERVED["memory"], path, clock, tls),
    "etcd-of-sqlite": lambda path, clock, tls: over_our_etcd(SERVED["sqlite"], path, clock, tls),
    "etcd": over_real_etcd,
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("etcd-pki"))


@pytest.fixture(params=OPENERS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def store(kind: str, tmp_path: Path, clock: ManualClock, tls: Certificates) -> AsyncIterator[Store]:
    async with OPENERS[kind](tmp_path, clock, tls) as opened:
        yield opened


@pytest.fixture
def elapse(kind: str, clock: ManualClock) -> Elapse:
    return asyncio.sleep if kind == "etcd" else clock.advance


@pytest.fixture(params=SERVED)
async def served(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[ServedStore]:
    async with SERVED[request.param](tmp_path, clock) as opened:
        yield opened
