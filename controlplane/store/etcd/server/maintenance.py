"""The services with which a store is looked after: Maintenance, Cluster, Auth."""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from controlplane.kit.clock import Clock
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import refusals
from controlplane.store.etcd.server.replies import VERSION, Member, key_value
from controlplane.store.etcd.snapshot.content import Spool
from controlplane.store.interface import Record, ServedStore

_PAGE = 5000  # records read at a time
_BLOB = 32 * 1024  # bytes of a snapshot a message, as etcd's
# Keys that expire share leases in a snapshot, by the minute; the ids, above all random ones, say whose they are.
_SHARED_SECONDS = 60
_SHARED_IDS = 0x7A_0000_0000_0000

Problem = Callable[[], str]
"""Says what is wrong with the store as a whole; nothing: ""."""


class Maintenance:
    """Looks after a store that is served."""

    def __init__(self, store: ServedStore, member: Member, clock: Clock, problem: Problem):
        self._store, self._member, self._clock, self._problem = store, member, clock, problem

    async def status(self, request: pb.StatusRequest) -> pb.StatusResponse:
        revision, size = await self._store.revision(), await self._store.size()
        problem = self._problem()
        return pb.StatusResponse(
            header=self._member.header(revision),
            version=VERSION,
            dbSize=size,
            dbSizeInUse=size,
            leader=self._member.id,
            raftIndex=revision,
            raftAppliedIndex=revision,
            raftTerm=1,
            errors=[problem] if problem else [],
        )

    async def alarm(self, request: pb.AlarmRequest) -> pb.AlarmResponse:
        """Say what is wrong; nobody can raise or lower an alarm here, for it is the disk that says so."""
        header = self._member.header(await self._store.revision())
        alarms = [pb.AlarmMember(memberID=self._member.id, alarm=pb.CORRUPT)] if self._problem() else []
        return pb.AlarmResponse(header=header, alarms=alarms if request.action == pb.AlarmRequest.GET else [])

    async def defragment(self, request: pb.DefragmentRequest) -> pb.DefragmentResponse:
        """There is nothing to do: each compaction gives back the space that it frees."""
        return pb.DefragmentResponse(header=self._member.header(await self._store.revision()))

    async def hash(self, request: pb.HashRequest) -> pb.HashResponse:
        answer = await self.hash_kv(pb.HashKVRequest())
        return pb.HashResponse(header=answer.header, hash=answer.hash)

    async def hash_kv(self, request: pb.HashKVRequest) -> pb.HashKVResponse:
        """Hash the state at a revision: equal states have equal hashes, here and on every store that we serve."""
        revision = request.revision or await self._store.revision()
        digest = 0
        async for records in self._state(revision):
            digest = await asyncio.to_thread(_hash, records, digest)
        return pb.HashKVResponse(
            header=self._member.header(await self._store.revision()),
            hash=digest,
            compact_revision=await self._store.compacted(),
        )

    async def snapshot(self, request: pb.SnapshotRequest) -> AsyncIterator[pb.SnapshotResponse]:
        """Send the state at the newest revision as a file that etcd can read, then its checksum."""
        revision = await self._store.revision()
        spool = Spool()
        deadlines, leases = await self._store.deadlines(), await self._store.leases()
        shared = _shared_leases(deadlines, self._clock.now().timestamp())
        ttls = {**leases, **dict(shared.values())}
        async for records in self._state(revision):
            messages = [key_value(record) for record in records]
            for record, message in zip(records, messages, strict=True):
                if record.key in shared:
                    message.lease = shared[record.key][0]
            await asyncio.to_thread(spool.add, messages, ttls)
        file = await asyncio.to_thread(spool.write, revision)
        with file:
            left = file.seek(0, 2)
            file.seek(0)
            header = self._member.header(revision)
            while blob := await asyncio.to_thread(file.read, _BLOB):
                left -= len(blob)
                yield pb.SnapshotResponse(header=header, remaining_bytes=left, blob=blob)

    async def _state(self, revision: int) -> AsyncIterator[Sequence[Record]]:
        start = ""
        while True:
            page = await self._store.scan(start, None, limit=_PAGE, revision=revision)
            if page.records:
                yield page.records
            if not page.remaining:
                return
            start = page.records[-1].key + "\0"

    async def member_list(self, request: pb.MemberListRequest) -> pb.MemberListResponse:
        member = pb.Member(
            ID=self._member.id,
            name=self._member.name,
            peerURLs=self._member.client_urls,  # clients parse them; there are no peers to use them
            clientURLs=self._member.client_urls,
        )
        return pb.MemberListResponse(header=self._member.header(await self._store.revision()), members=[member])

    async def auth_status(self, request: pb.AuthStatusRequest) -> pb.AuthStatusResponse:
        return pb.AuthStatusResponse(header=self._member.header(await self._store.revision()), enabled=False)

    async def authenticate(self, request: pb.AuthenticateRequest) -> pb.AuthenticateResponse:
        raise refusals.no_authentication()


def _shared_leases(deadlines: Mapping[str, float], now: float) -> dict[str, tuple[int, int]]:
    """Return the lease, and its time to live, that stands for each key's deadline: never an earlier one."""
    shared = {}
    for key, deadline in deadlines.items():
        minutes = max(1, math.ceil((deadline - now) / _SHARED_SECONDS))
        shared[key] = (_SHARED_IDS + minutes, minutes * _SHARED_SECONDS)
    return shared


def _hash(records: Sequence[Record], digest: int) -> int:
    for record in records:
        digest = zlib.crc32(key_value(record).SerializeToString(deterministic=True), digest)
    return digest
