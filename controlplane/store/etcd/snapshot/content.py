"""Which buckets of a snapshot hold what: a store's state at one revision, to a file and back."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError

from controlplane.store.errors import ForeignFile
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.snapshot import layout
from controlplane.store.etcd.snapshot.reader import BoltReader
from controlplane.store.etcd.snapshot.writer import BoltWriter, small_bucket

# What etcd expects to find, empty or not.
_BUCKETS = ("alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta")
_CHUNK = 1 << 20  # bytes hashed at a time


class Spool:
    """Takes records in the order of their keys, and writes the snapshot in that of their revisions, as it must be."""

    def __init__(self) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `write`
        self._parts: list[tuple[int, int, int]] = []  # revision, where, how long
        self._leases: dict[int, int] = {}

    def add(self, records: Sequence[pb.KeyValue], leases: Mapping[int, int]) -> None:
        """Take in records, and the seconds that the leases they name are to live."""
        for record in records:
            data = record.SerializeToString()
            self._parts.append((record.mod_revision, self._file.tell(), len(data)))
            self._file.write(data)
            if record.lease in leases:
                self._leases[record.lease] = leases[record.lease]

    def write(self, revision: int) -> BinaryIO:
        """Return the snapshot as an open file without a name; the history up to `revision` is gone."""
        snapshot: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the caller's
        writer = BoltWriter(snapshot)
        keys = writer.bucket(self._records())
        compacted = layout.REVISION.pack(revision, b"_", 0)
        meta = [(b"consistent_index", (revision).to_bytes(8)), (b"finishedCompactRev", compacted),
                (b"scheduledCompactRev", compacted)]  # fmt: skip
        leases = [(lease.to_bytes(8), _lease(lease, ttl)) for lease, ttl in sorted(self._leases.items())]
        writer.finish(
            {name: small_bucket(()) for name in _BUCKETS}
            | {"key": keys, "lease": writer.bucket(leases) if leases else small_bucket(()), "meta": small_bucket(meta)}
        )
        self._file.close()
        digest = sha256(snapshot)
        snapshot.seek(0, 2)
        snapshot.write(digest)
        snapshot.seek(0)
        return snapshot

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        last = place = 0
        for revision, start, length in sorted(self._parts):
            place = place + 1 if revision == last else 0
            last = revision
            self._file.seek(start)
            yield layout.REVISION.pack(revision, b"_", place), self._file.read(length)


def _lease(lease: int, ttl: int) -> bytes:
    return pb.KeptLease(ID=lease, TTL=ttl).SerializeToString()


def sha256(file: BinaryIO, length: int | None = None) -> bytes:
    """Return the digest of a file, or of its first `length` bytes."""
    digest, left = hashlib.sha256(), length
    file.seek(0)
    while chunk := file.read(_CHUNK if left is None else min(_CHUNK, left)):
        digest.update(chunk)
        left = None if left is None else left - len(chunk)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says: the newest record of each key, in order of keys, the newest revision, seconds by lease."""

    records: Sequence[pb.KeyValue]
    revision: int
    leases: Mapping[int, int]


def load(path: Path) -> Snapshot:
    """Read a snapshot of whoever wrote it. Raises ForeignFile, OSError."""
    with path.open("rb") as file:
        _verify(file, path)
        reader = BoltReader(file, str(path))
        records: dict[bytes, pb.KeyValue] = {}
        newest = 1
        try:
            for key, value in reader.bucket("key"):
                newest = max(newest, layout.REVISION.unpack_from(key)[0])
                record = pb.KeyValue.FromString(value)
                if key.endswith(layout.TOMBSTONE) and len(key) > layout.REVISION.size:
                    records.pop(record.key, None)
                else:
                    records[record.key] = record
            for name, value in reader.bucket("meta"):
                if name == b"finishedCompactRev":
                    newest = max(newest, layout.REVISION.unpack_from(value)[0])
            leases = [pb.KeptLease.FromString(value) for _, value in reader.bucket("lease")]
        except DecodeError as error:
            raise ForeignFile(f"{path}: a record of this snapshot cannot be read") from error
    return Snapshot([records[key] for key in sorted(records)], newest, {lease.ID: lease.TTL for lease in leases})


def _verify(file: BinaryIO, path: Path) -> None:
    """Compare the checksum behind the pages; a copied database file has none."""
    length = path.stat().st_size
    if length % 512 != 32:
        return
    digest = sha256(file, length - 32)
    file.seek(length - 32)
    if file.read(32) != digest:
        raise ForeignFile(f"{path}: the snapshot is damaged: its checksum does not match")
