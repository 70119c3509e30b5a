"""The KV service: reads, writes, transactions and compaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import ranges, refusals, transaction
from controlplane.store.etcd.server.bounds import Bounds, bounds
from controlplane.store.etcd.server.leases import Leases
from controlplane.store.etcd.server.replies import Member
from controlplane.store.interface import Index, Record, ServedStore, Write

MOST_BYTES = 1536 * 1024  # of a request that writes: etcd's --max-request-bytes


class _Stale(Exception):
    """What a transaction was prepared from is not what there is any more."""


class KeyValues:
    """Everything that etcd's KV service does, on a store."""

    def __init__(self, store: ServedStore, member: Member, leases: Leases):
        self._store, self._member, self._leases = store, member, leases

    async def range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        answer, revision = await self._range(request)
        answer.header.CopyFrom(self._member.header(revision))
        return answer

    async def _range(self, request: pb.RangeRequest) -> tuple[pb.RangeResponse, int]:
        if not request.key:
            raise refusals.empty_key()
        limit = 1 if request.count_only else 0 if ranges.needs_all(request) else max(request.limit, 0)
        start, end = bounds(request.key, request.range_end)
        page = await self._store.scan(start, end, limit=limit, revision=max(request.revision, 0))
        newest = await self._store.revision() if request.revision > 0 else page.revision
        return ranges.answer(request, page.records, len(page.records) + page.remaining), newest

    async def put(self, request: pb.PutRequest) -> pb.PutResponse:
        _check_size(request)
        key = transaction.check_put(request)
        if request.prev_kv or request.ignore_value or request.ignore_lease:
            answer = await self._transact(pb.TxnRequest(success=[pb.RequestOp(request_put=request)]))
            put = answer.responses[0].response_put
            put.header.CopyFrom(answer.header)
            return put
        revision = await self._store.commit(self._single(Write(key, request.value, request.lease), None))
        return pb.PutResponse(header=self._member.header(revision))

    async def delete_range(self, request: pb.DeleteRangeRequest) -> pb.DeleteRangeResponse:
        if not request.key:
            raise refusals.empty_key()
        if request.prev_kv:
            answer = await self._transact(pb.TxnRequest(success=[pb.RequestOp(request_delete_range=request)]))
            deletion = answer.responses[0].response_delete_range
            deletion.header.CopyFrom(answer.header)
            return deletion
        start, end = bounds(request.key, request.range_end)
        deleted: list[Write] = []

        def decide(index: Index) -> Sequence[Write]:
            deleted.extend(Write(key, None) for key in index.range(start, end))
            return deleted

        revision = await self._store.commit(decide)
        return pb.DeleteRangeResponse(header=self._member.header(revision), deleted=len(deleted))

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        _check_size(request)
        transaction.check(request)
        if (swap := _compare_and_swap(request)) is not None:
            try:
                return await self._swap(*swap)
            except _Stale:
                pass  # it does not apply: the answer needs what is there instead
        return await self._transact(request)

    async def _swap(self, write: Write, expected: int) -> pb.TxnResponse:
        revision = await self._store.commit(self._single(write, expected))
        inner = pb.ResponseHeader(revision=revision)
        if write.value is None:
            response = pb.ResponseOp(response_delete_range=pb.DeleteRangeResponse(header=inner, deleted=1))
        else:
            response = pb.ResponseOp(response_put=pb.PutResponse(header=inner))
        return pb.TxnResponse(header=self._member.header(revision), succeeded=True, responses=[response])

    def _single(self, write: Write, expected: int | None) -> Callable[[Index], Sequence[Write]]:
        """Return the decision for one write, if the key is at revision `expected` (None: whatever)."""

        def decide(index: Index) -> Sequence[Write]:
            if expected is not None:
                entry = index.get(write.key)
                if expected != (entry.revision if entry else 0):
                    raise _Stale
            self._attach((write,))
            return (write,)

        return decide

    async def _transact(self, request: pb.TxnRequest) -> pb.TxnResponse:
        while True:
            state, seen, revision = await self._observe(request)
            if not transaction.writes_any(request):
                return self._headed(transaction.execute(request, state, revision), revision)
            try:
                return await self._commit(request, state, seen)
            except _Stale:
                continue  # somebody has written in between: look again

    async def _commit(
        self, request: pb.TxnRequest, state: transaction.State, seen: Sequence[tuple[Bounds, dict[str, int]]]
    ) -> pb.TxnResponse:
        answers: list[pb.TxnResponse] = []

        def decide(index: Index) -> Sequence[Write]:
            for within, records in seen:
                if _revisions(index, within) != records:
                    raise _Stale
            answers.append(transaction.execute(request, state, index.revision + 1))
            writes = tuple(state.writes.values())
            self._attach(writes)
            return writes

        revision = await self._store.commit(decide)
        return self._headed(answers[0], revision)

    def _attach(self, writes: Iterable[Write]) -> None:
        for write in writes:
            if write.lease:
                if write.lease not in self._leases:
                    raise refusals.lease_not_found()
                self._leases.attach(write.lease, write.key)

    async def _observe(
        self, request: pb.TxnRequest
    ) -> tuple[transaction.State, Sequence[tuple[Bounds, dict[str, int]]], int]:
        """Return what a transaction reads, the revisions of that by range, and the revision at which it was read."""
        revision = await self._store.revision()
        records: dict[str, Record] = {}
        seen = []
        for within in dict.fromkeys(transaction.read(request)):
            found = (await self._store.scan(*within, revision=revision)).records
            records |= {record.key: record for record in found}
            seen.append((within, {record.key: record.revision for record in found}))
        past = {}
        for before in transaction.read_before(request):
            answer, _ = await self._range(before)
            past[before.SerializeToString(deterministic=True)] = answer
        return transaction.State(records, past, self._leases.__contains__), seen, revision

    def _headed(self, answer: pb.TxnResponse, revision: int) -> pb.TxnResponse:
        answer.header.CopyFrom(self._member.header(revision))
        _head_inner(answer, revision)
        return answer

    async def compact(self, request: pb.CompactionRequest) -> pb.CompactionResponse:
        if request.revision <= await self._store.compacted():
            raise refusals.compacted()
        await self._store.compact(request.revision)
        return pb.CompactionResponse(header=self._member.header(await self._store.revision()))


def _head_inner(answer: pb.TxnResponse, revision: int) -> None:
    """Give the answers within a transaction's the revision, which is all that etcd says in theirs."""
    for response in answer.responses:
        inner = getattr(response, response.WhichOneof("response") or "response_range")
        inner.header.revision = revision
        if isinstance(inner, pb.TxnResponse):
            _head_inner(inner, revision)


def _revisions(index: Index, within: Bounds) -> dict[str, int]:
    return {key: entry.revision for key in index.range(*within) if (entry := index.get(key))}


def _check_size(request: pb.PutRequest | pb.TxnRequest) -> None:
    if request.ByteSize() > MOST_BYTES:
        raise refusals.request_too_large()


def _compare_and_swap(request: pb.TxnRequest) -> tuple[Write, int] | None:
    """Return what an API server's transaction writes, and the revision at which the key must be; None for any other.

    Nearly every transaction is one: if the key is at a revision, put or delete it, else show it.
    """
    if len(request.compare) != 1 or len(request.success) != 1:
        return None
    compare, operation = request.compare[0], request.success[0]
    if compare.target != pb.Compare.MOD or compare.result != pb.Compare.EQUAL or compare.range_end:
        return None
    expected = compare.mod_revision
    if operation.HasField("request_put"):
        put = operation.request_put
        if put.key == compare.key and not (put.prev_kv or put.ignore_value or put.ignore_lease):
            return Write(put.key.decode(), put.value, put.lease), expected
    elif operation.HasField("request_delete_range"):
        deletion = operation.request_delete_range
        if deletion.key == compare.key and expected and not (deletion.range_end or deletion.prev_kv):
            try:
                return Write(deletion.key.decode(), None), expected
            except UnicodeDecodeError:
                return None
    return None
