"""A store whose data is in an etcd: a real one, of one member or several, or ours served as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from controlplane.kit.clock import Clock
from controlplane.store.errors import StoreClosed
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.connection import CompactedAway, Connection, LeaseNotFound
from controlplane.store.etcd.following import Follower
from controlplane.store.etcd.lease_pool import LeasePool
from controlplane.store.etcd.root import Root
from controlplane.store.etcd.tls import Identity
from controlplane.store.interface import Compacted, Event, FutureRevision, Page, Record, RevisionMismatch

_ANY_KEY = b"\0"
_AS_THEY_ARE = Root()


class EtcdStore:
    """Made by `open`. Whatever is asked may raise StoreUnavailable."""

    def __init__(self, connection: Connection, clock: Clock, root: Root):
        self._connection, self._root = connection, root
        self._leases = LeasePool(connection, clock)
        self._follower = Follower(connection, root, clock)
        self._asking: asyncio.Task[int] | None = None  # for the revision
        self._next_asking: asyncio.Task[int] | None = None
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, endpoints: Sequence[str], identity: Identity, clock: Clock, root: Root = _AS_THEY_ARE
    ) -> AsyncIterator[EtcdStore]:
        """Use an etcd until the block ends. It need not be there yet. Raises StoreError for unusable files."""
        store = cls(Connection(endpoints, identity, clock), clock, root)
        try:
            yield store
        finally:
            await store.close()

    async def get(self, key: str) -> Record | None:
        self._check_open()
        answer = await self._connection.call("KV/Range", self._one(key), pb.RangeResponse)
        return self._record(answer.kvs[0]) if answer.kvs else None

    def _one(self, key: str) -> pb.RangeRequest:
        return pb.RangeRequest(key=self._root.there(key))

    def _record(self, kv: pb.KeyValue) -> Record:
        key = self._root.here(kv.key)
        assert key is not None  # asked for below our root
        return Record(key, kv.value, kv.create_revision, kv.mod_revision, kv.version, kv.lease)

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: int = 0) -> Page:
        self._check_open()
        key, range_end = self._root.range(prefix, start_after)
        request = pb.RangeRequest(key=key, range_end=range_end, limit=limit, revision=revision)
        try:
            answer = await self._connection.call("KV/Range", request, pb.RangeResponse)
        except CompactedAway as error:
            raise Compacted(await self._compacted_until(revision)) from error
        records = [self._record(kv) for kv in answer.kvs]
        return Page(records, revision or answer.header.revision, answer.count - len(records))

    async def _compacted_until(self, revision: int) -> int:
        """Return how much history is gone, `revision` being part of it: only a watch is told."""
        try:
            async for _ in self._follower.follow("", revision):
                break
        except Compacted as error:
            return error.revision
        return revision + 1

    async def put(self, key: str, value: bytes, *, expected: int | None, ttl: int = 0) -> int:
        self._check_open()
        if not ttl:
            return await self._put(key, value, expected, 0)
        lease = await self._leases.lease(ttl)
        try:
            return await self._put(key, value, expected, lease)
        except LeaseNotFound:  # nothing was written: the etcd was restored, or our clock stood still
            self._leases.forget(lease)
            return await self._put(key, value, expected, await self._leases.lease(ttl))

    async def _put(self, key: str, value: bytes, expected: int | None, lease: int) -> int:
        put = pb.PutRequest(key=self._root.there(key), value=value, lease=lease)
        if expected is None:
            answer = await self._connection.call("KV/Put", put, pb.PutResponse, writes=True)
            return answer.header.revision
        return await self._if_at(key, expected, pb.RequestOp(request_put=put))

    async def delete(self, key: str, *, expected: int | None) -> int:
        self._check_open()
        deletion = pb.DeleteRangeRequest(key=self._root.there(key))
        if expected is None:
            answer = await self._connection.call("KV/DeleteRange", deletion, pb.DeleteRangeResponse, writes=True)
            if not answer.deleted:
                raise RevisionMismatch(key, 0, None)
            return answer.header.revision
        if expected == 0:  # to an etcd, deleting what is not there is a success
            raise RevisionMismatch(key, 0, await self.get(key))
        return await self._if_at(key, expected, pb.RequestOp(request_delete_range=deletion))

    async def _if_at(self, key: str, expected: int, operation: pb.RequestOp) -> int:
        compare = pb.Compare(target=pb.Compare.MOD, key=self._root.there(key), mod_revision=expected)
        request = pb.TxnRequest(
            compare=[compare], success=[operation], failure=[pb.RequestOp(request_range=self._one(key))]
        )
        answer = await self._connection.call("KV/Txn", request, pb.TxnResponse, writes=True)
        if answer.succeeded:
            return answer.header.revision
        found = answer.responses[0].response_range.kvs
        raise RevisionMismatch(key, expected, self._record(found[0]) if found else None)

    async def revision(self) -> int:
        """As the interface says. Who asks while a question is under way shares the next one: it may not be older."""
        self._check_open()
        if self._next_asking is None:
            self._next_asking = asyncio.create_task(self._ask_revision(self._asking))
            self._next_asking.add_done_callback(_notice)
        try:
            return await asyncio.shield(self._next_asking)
        except asyncio.CancelledError:
            self._check_open()  # or it was who asks that was cancelled
            raise

    async def _ask_revision(self, before: asyncio.Task[int] | None) -> int:
        if before is not None:
            await asyncio.wait((before,))
        self._asking, self._next_asking = self._next_asking, None
        request = pb.RangeRequest(key=_ANY_KEY, count_only=True)
        answer = await self._connection.call("KV/Range", request, pb.RangeResponse)
        return answer.header.revision

    def watch(self, prefix: str, *, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._follower.follow(prefix, after)

    async def compact(self, revision: int) -> None:
        self._check_open()
        newest = await self.revision()
        if revision > newest:
            raise FutureRevision(f"cannot compact at revision {revision}, {newest} is newest")
        try:
            request = pb.CompactionRequest(revision=revision)
            await self._connection.call("KV/Compact", request, pb.CompactionResponse)
        except CompactedAway:
            pass  # somebody was faster, as with several API servers

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._follower.close()
        for task in (self._asking, self._next_asking):
            if task is not None:
                task.cancel()
        await self._connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed


def _notice(task: asyncio.Task[int]) -> None:
    """Take note of how a question ended: all who waited for the answer may be gone."""
    if not task.cancelled():
        task.exception()
