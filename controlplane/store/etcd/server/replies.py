"""Records and events as etcd's messages; who answers them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.interface import Entry, Event, Record

VERSION = "3.5.21"  # the etcd whose protocol this is; API servers take from it what they may ask for


@dataclass(frozen=True, slots=True)
class Member:
    """The only member of the cluster that this server is."""

    name: str = "default"
    client_urls: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return _id(self.name)

    @property
    def cluster_id(self) -> int:
        return _id("sampan")

    def header(self, revision: int) -> pb.ResponseHeader:
        return pb.ResponseHeader(cluster_id=self.cluster_id, member_id=self.id, revision=revision, raft_term=1)


def _id(name: str) -> int:
    return int.from_bytes(hashlib.sha1(name.encode(), usedforsecurity=False).digest()[:8])


def key_value(record: Record, *, keys_only: bool = False) -> pb.KeyValue:
    return pb.KeyValue(
        key=record.key.encode(),
        value=b"" if keys_only else record.value,
        create_revision=record.create_revision,
        mod_revision=record.revision,
        version=record.version,
        lease=record.lease,
    )


def event(one: Event, *, previous: bool) -> pb.Event:
    key = one.key.encode()
    if one.value is None or one.entry is None:
        answer = pb.Event(type=pb.Event.DELETE, kv=pb.KeyValue(key=key, mod_revision=one.revision))
    else:
        answer = pb.Event(type=pb.Event.PUT, kv=_entry(key, one.value, one.entry))
    if previous and one.previous is not None and one.before is not None:
        answer.prev_kv.CopyFrom(_entry(key, one.previous, one.before))
    return answer


def _entry(key: bytes, value: bytes, entry: Entry) -> pb.KeyValue:
    return pb.KeyValue(
        key=key,
        value=value,
        create_revision=entry.create_revision,
        mod_revision=entry.revision,
        version=entry.version,
        lease=entry.lease,
    )
