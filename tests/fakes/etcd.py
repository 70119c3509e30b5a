"""Real etcds, and certificates for both sides: what the etcd suites run against."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controlplane.pki import files
from controlplane.pki.issue import Leaf, issue, new_authority
from controlplane.store.etcd.tls import Identity

_BOTH = ("digital signature", "server auth", "client auth")


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority with one certificate for everybody on this machine."""

    server: Identity
    client: Identity

    @property
    def flags(self) -> list[str]:
        """What etcdctl is told."""
        return [f"--cacert={self.client.authority}", f"--cert={self.client.certificate}", f"--key={self.client.key}"]


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    authority = new_authority("etcd-ca", now)
    files.write_pair(folder, "ca", authority)
    server = Leaf("server", (), ("localhost",), ("127.0.0.1",), _BOTH)
    files.write_pair(folder, "server", issue(server, authority, now))
    files.write_pair(folder, "client", issue(Leaf("client"), authority, now))
    certificate = [
        Identity(folder / f"{name}.crt", folder / f"{name}.key", folder / "ca.crt") for name in ("server", "client")
    ]
    return Certificates(*certificate)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Etcd:
    """A member of a cluster of real etcds."""

    endpoint: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _member(name: str, folder: Path, tls: Certificates, client: int, peers: dict[str, str]) -> Etcd:
    endpoint = f"https://127.0.0.1:{client}"
    program = shutil.which("etcd")
    assert program, "Debian's etcd-server is missing: run .ci/bootstrap"
    command = [
        program,
        f"--name={name}",
        f"--data-dir={folder / name}",
        f"--listen-client-urls={endpoint}",
        f"--advertise-client-urls={endpoint}",
        f"--listen-peer-urls={peers[name]}",
        f"--initial-advertise-peer-urls={peers[name]}",
        "--initial-cluster=" + ",".join(f"{one}={url}" for one, url in peers.items()),
        f"--cert-file={tls.server.certificate}",
        f"--key-file={tls.server.key}",
        f"--trusted-ca-file={tls.server.authority}",
        "--client-cert-auth",
        "--heartbeat-interval=20",
        "--election-timeout=200",
        "--logger=zap",
    ]
    return Etcd(endpoint, command, folder / f"{name}.log")


async def restore_member(snapshot: Path, folder: Path, name: str = "m0") -> None:
    """Make the data of a member from a snapshot, as `real_etcd(folder)` will look for it."""
    folder.mkdir(exist_ok=True, parents=True)
    peer = f"http://127.0.0.1:{free_port()}"
    flags = [f"--name={name}", f"--initial-cluster={name}={peer}", f"--initial-advertise-peer-urls={peer}"]
    process = await asyncio.create_subprocess_exec(
        "etcdctl",
        "snapshot",
        "restore",
        str(snapshot),
        f"--data-dir={folder / name}",
        *flags,
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


@asynccontextmanager
async def real_etcd(folder: Path, tls: Certificates, members: int = 1) -> AsyncIterator[list[Etcd]]:
    """Run an etcd of so many members until the block ends."""
    folder.mkdir(exist_ok=True, parents=True)
    peers = {f"m{n}": f"http://127.0.0.1:{free_port()}" for n in range(members)}
    cluster = [_member(name, folder, tls, free_port(), peers) for name in peers]
    async with AsyncExitStack() as stack:
        for member in cluster:
            stack.callback(member.kill)
            member.start()
        for member in cluster:
            await _healthy(member, tls)
        yield cluster


async def _healthy(member: Etcd, tls: Certificates) -> None:
    async with asyncio.timeout(60):
        while True:
            done = await etcdctl(member.endpoint, tls, "endpoint", "health")
            if done.returncode == 0:
                return
            assert member.process is not None and member.process.poll() is None, member.log.read_text()
            await asyncio.sleep(0.05)


async def etcdctl(
    endpoint: str, tls: Certificates, *arguments: str, input: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Debian's etcdctl, and return what it said."""
    process = await asyncio.create_subprocess_exec(
        "etcdctl",
        f"--endpoints={endpoint}",
        *tls.flags,
        *arguments,
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate(input.encode())
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, out.decode(), err.decode())
