"""`controlplane backup`: the whole cluster, as it is at one moment, in a file that etcdctl can read too."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from controlplane.cmd.settings import comma_separated
from controlplane.kit.clock import SystemClock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.store.etcd.tls import Identity

_EPILOG = """examples:
  controlplane backup /var/backups/cluster.db        # the cluster goes on meanwhile
  etcdctl snapshot status /var/backups/cluster.db

The file holds every Secret of the cluster: it is readable by its owner only. `controlplane restore` brings it back;
`etcdctl snapshot restore` makes a member of an etcd of it.
"""


class BackupError(Explained):
    """There is no backup; the message says why."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "backup",
        help="write everything that the cluster knows to a file, while it runs",
        description="Writes a consistent backup of the store to a file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help="where to write it; a file that is there is replaced")
    add("--config-dir", metavar="DIR", type=Path, default=Path("/etc/sampan"), help="default: /etc/sampan")
    add(
        "--endpoints",
        metavar="URLS",
        default="",
        help="where the store is served (default: as apiserver.yaml says)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.store.etcd.tls import Identity

    settings = _settings(options.config_dir)
    endpoints = comma_separated(options.endpoints) or served_at(settings)
    pki = options.config_dir / "pki" / "etcd"
    client = "healthcheck-client"
    identity = Identity(pki / f"{client}.crt", pki / f"{client}.key", pki / "ca.crt")
    if endpoints:
        revision = asyncio.run(_save(options.file, _from_server(endpoints, identity)))
    else:
        database = Path(settings["data-dir"]) / "store.db"
        if not database.exists():
            raise BackupError(f"there is no store in {settings['data-dir']}; say where it is served with --endpoints")
        revision = asyncio.run(_save(options.file, _from_file(database)))
    print(f"wrote {options.file}: everything as of revision {revision}")
    return 0


def _settings(config_dir: Path) -> Mapping[str, Any]:
    from controlplane.cmd.tables import APISERVER

    file = config_dir / "apiserver.yaml"
    return {**APISERVER.defaults, **(APISERVER.load(file) if file.exists() else {})}


def served_at(settings: Mapping[str, Any]) -> list[str]:
    """Return where an API server's store can be asked: at its etcd, or where it serves its own."""
    servers: list[str] = settings["etcd-servers"]
    if servers and urlsplit(servers[0]).scheme in ("http", "https"):
        return servers
    served: list[str] = settings["listen-client-urls"]
    return served


async def _from_server(endpoints: Sequence[str], identity: Identity) -> AsyncIterator[Any]:
    from controlplane.store.etcd import etcd_pb2 as pb
    from controlplane.store.etcd.connection import Connection

    connection = Connection(endpoints, identity, SystemClock())
    try:
        # A question first: it turns to a member that answers.
        await connection.call("Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)
        async for part in connection.tell("Maintenance/Snapshot", pb.SnapshotRequest(), pb.SnapshotResponse):
            yield part
    finally:
        await connection.close()


async def _from_file(database: Path) -> AsyncIterator[Any]:
    """Take the backup from a store that nobody serves: it must not be running."""
    from controlplane.store.etcd import etcd_pb2 as pb
    from controlplane.store.etcd.server.maintenance import Maintenance
    from controlplane.store.etcd.server.replies import Member
    from controlplane.store.sqlite import SqliteStore

    clock = SystemClock()
    async with SqliteStore.open(database, clock, None) as store:
        maintenance = Maintenance(store, Member(), clock, str)
        async for part in maintenance.snapshot(pb.SnapshotRequest()):
            yield part


async def _save(file: Path, parts: AsyncIterator[Any]) -> int:
    """Write a snapshot, verify it, and give it its name; return its revision. Raises BackupError."""
    from controlplane.store.etcd.snapshot import content
    from controlplane.store.interface import StoreError

    unfinished = file.with_name(f".{file.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            async with aclosing(parts):  # type: ignore[type-var]
                async for part in parts:
                    target.write(part.blob)
            target.flush()
            os.fsync(descriptor)
        revision = content.load(unfinished).revision
        unfinished.replace(file)
    except StoreError as error:
        raise BackupError(str(error)) from error
    except OSError as error:
        raise BackupError(f"cannot write {file}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return revision
