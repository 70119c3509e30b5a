"""`controlplane restore`: a backup becomes the store of a control plane that is not running."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.kit.clock import SystemClock
from controlplane.kit.explained import Explained

if TYPE_CHECKING:
    from controlplane.store.etcd.snapshot.content import Snapshot
    from controlplane.store.interface import Record

# Revisions that are left out, so that what was written after the backup, and is lost, has none that comes again:
# whoever still knows such a revision must be told that it is gone. What etcd's documentation proposes.
BUMP = 1_000_000_000

_EPILOG = """examples:
  systemctl stop sampan-apiserver
  mv /var/lib/sampan/store.db /var/lib/sampan/store.db.old      # and -wal and -shm, if they are there
  controlplane restore /var/backups/cluster.db
  systemctl start sampan-apiserver

The file may also be one of `etcdctl snapshot save`. Controllers and kubelets read everything again by themselves.
"""


class RestoreError(Explained):
    """Nothing was restored; the message says why."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "restore",
        help="make the store of a stopped control plane from a backup",
        description="Makes a new database of a backup, in a place where there is none.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", metavar="FILE", type=Path, help="what `controlplane backup` or `etcdctl snapshot save` wrote")
    add("--data-dir", metavar="DIR", type=Path, default=Path("/var/lib/sampan"), help="default: /var/lib/sampan")
    add(
        "--bump-revision",
        metavar="NUMBER",
        type=int,
        default=BUMP,
        help=f"revisions to leave out, more than were written since the backup (default: {BUMP})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from controlplane.store.etcd.snapshot import content
    from controlplane.store.interface import StoreError
    from controlplane.store.sqlite import importing

    if options.bump_revision < 0:
        raise RestoreError("--bump-revision: revisions do not go back")
    database = options.data_dir / "store.db"
    try:
        snapshot = content.load(options.file)
        revision = snapshot.revision + options.bump_revision
        importing.write(database, records(snapshot, SystemClock().now().timestamp()), revision)
    except StoreError as error:
        raise RestoreError(str(error)) from error
    except OSError as error:
        raise RestoreError(f"{error.filename or options.file}: {error.strerror}") from error
    print(f"made {database}: {len(snapshot.records)} objects as of revision {snapshot.revision}, now at {revision}")
    return 0


def records(snapshot: Snapshot, now: float) -> Iterator[tuple[Record, float | None]]:
    """Yield what a snapshot holds, and when it expires; a lease begins anew, but nobody can keep it alive any more.

    Raises RestoreError.
    """
    from controlplane.store.interface import Record

    for kv in snapshot.records:
        try:
            key = kv.key.decode()
        except UnicodeDecodeError:
            raise RestoreError(f"the key {kv.key!r} is not UTF-8, as all keys of this store are") from None
        ttl = snapshot.leases.get(kv.lease, 0)
        expires = now + ttl if kv.lease and ttl else None
        yield Record(key, kv.value, kv.create_revision, kv.mod_revision, kv.version), expires
