"""The same questions to our server and to a real etcd."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from controlplane.kit.clock import SystemClock
from controlplane.store.etcd.server import EtcdServer
from controlplane.store.sqlite import SqliteStore
from tests.fakes.etcd import Certificates, etcdctl, make_certificates, real_etcd


@dataclass(frozen=True, slots=True)
class Served:
    """An etcd, and how to ask it with etcdctl."""

    endpoint: str
    tls: Certificates

    async def ask(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
        return await etcdctl(self.endpoint, self.tls, *arguments, input=input)

    async def ctl(self, *arguments: str, input: str = "") -> str:
        """Return what etcdctl prints; it must succeed."""
        done = await self.ask(*arguments, input=input)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("etcd-pki"))


@pytest.fixture(params=["ours", "etcd"])
async def served(request: pytest.FixtureRequest, tmp_path: Path, tls: Certificates) -> AsyncIterator[Served]:
    if request.param == "ours":
        clock = SystemClock()
        async with (
            SqliteStore.open(tmp_path / "store" / "db", clock, compaction=None) as store,
            EtcdServer.listening(store, ["127.0.0.1:0"], tls.server, clock, Random(1)) as (port,),
        ):
            yield Served(f"https://127.0.0.1:{port}", tls)
    else:
        async with real_etcd(tmp_path / "etcd", tls) as (member,):
            yield Served(member.endpoint, tls)


class Watching:
    """A running `etcdctl watch`, line by line."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process

    async def lines(self, count: int) -> list[str]:
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            return [(await self._process.stdout.readline()).decode().rstrip("\n") for _ in range(count)]


@pytest.fixture
async def watch(served: Served) -> AsyncIterator[Callable[..., Awaitable[Watching]]]:
    processes: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> Watching:
        process = await asyncio.create_subprocess_exec(
            "etcdctl",
            f"--endpoints={served.endpoint}",
            *served.tls.flags,
            "watch",
            *arguments,
            env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        processes.append(process)
        return Watching(process)

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()
