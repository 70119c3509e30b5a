"""Transactions, purely: what a Txn request reads, whether its comparisons hold, what it writes and answers.

A plain put or delete is the transaction with that one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import ranges, refusals
from controlplane.store.etcd.server.bounds import Bounds, bounds
from controlplane.store.etcd.server.replies import key_value
from controlplane.store.interface import Record, Write

MOST_OPERATIONS = 128  # etcd's --max-txn-ops

Operation = pb.RangeRequest | pb.PutRequest | pb.DeleteRangeRequest | pb.TxnRequest


def operations(ops: Iterable[pb.RequestOp]) -> Iterator[Operation]:
    for op in ops:
        kind = op.WhichOneof("request")
        if kind is not None:
            yield getattr(op, kind)


# --- what it may not be


def check(request: pb.TxnRequest) -> None:
    """Raises Refused for what etcd refuses before it looks at any key."""
    if max(len(request.compare), len(request.success), len(request.failure)) > MOST_OPERATIONS:
        raise refusals.too_many_operations()
    if not all(compare.key for compare in request.compare):
        raise refusals.empty_key()
    for branch in (request.success, request.failure):
        _written(branch)


def check_put(request: pb.PutRequest) -> str:
    """Return the key. Raises Refused."""
    if not request.key:
        raise refusals.empty_key()
    if request.ignore_value and request.value:
        raise refusals.value_provided()
    if request.ignore_lease and request.lease:
        raise refusals.lease_provided()
    try:
        return request.key.decode()
    except UnicodeDecodeError:
        raise refusals.key_not_text() from None


def _written(branch: Iterable[pb.RequestOp]) -> tuple[set[str], list[Bounds]]:
    """Return the keys put and the ranges deleted. Raises Refused when one key would be written twice."""
    puts: set[str] = set()
    deletes: list[Bounds] = []
    for operation in operations(branch):
        more_puts: set[str] = set()
        more_deletes: list[Bounds] = []
        if isinstance(operation, pb.PutRequest):
            more_puts = {check_put(operation)}
        elif isinstance(operation, pb.TxnRequest):
            check(operation)
            for inner in (operation.success, operation.failure):
                inner_puts, inner_deletes = _written(inner)
                more_puts |= inner_puts
                more_deletes += inner_deletes
        elif not operation.key:
            raise refusals.empty_key()
        elif isinstance(operation, pb.DeleteRangeRequest):
            more_deletes = [bounds(operation.key, operation.range_end)]
        else:
            continue
        if puts & more_puts or _overlap(puts, more_deletes) or _overlap(more_puts, deletes):
            raise refusals.duplicate_key()
        puts |= more_puts
        deletes += more_deletes
    return puts, deletes


def _overlap(keys: Iterable[str], deletes: Sequence[Bounds]) -> bool:
    return any(one.holds(key) for key in keys for one in deletes)


# --- what it reads


def read(request: pb.TxnRequest) -> Iterator[Bounds]:
    """Yield the ranges, as they are now, on which the outcome depends."""
    for compare in request.compare:
        yield bounds(compare.key, compare.range_end)
    for operation in operations([*request.success, *request.failure]):
        if isinstance(operation, pb.TxnRequest):
            yield from read(operation)
        elif isinstance(operation, pb.PutRequest):
            yield bounds(operation.key, b"")
        elif isinstance(operation, pb.DeleteRangeRequest) or not operation.revision:
            yield bounds(operation.key, operation.range_end)


def read_before(request: pb.TxnRequest) -> Iterator[pb.RangeRequest]:
    """Yield the reads of the past."""
    for operation in operations([*request.success, *request.failure]):
        if isinstance(operation, pb.TxnRequest):
            yield from read_before(operation)
        elif isinstance(operation, pb.RangeRequest) and operation.revision:
            yield operation


# --- what it does


@dataclass(slots=True)
class State:
    """The records it reads, changed as it goes along."""

    records: dict[str, Record]
    past: Mapping[bytes, pb.RangeResponse] = field(default_factory=dict)  # answers, by request
    has_lease: Callable[[int], bool] = bool
    writes: dict[str, Write] = field(default_factory=dict)

    def range(self, within: Bounds) -> list[Record]:
        if within.end == within.start + "\0":
            record = self.records.get(within.start)
            return [record] if record else []
        return [self.records[key] for key in sorted(self.records) if within.holds(key)]


def writes_any(request: pb.TxnRequest) -> bool:
    """Return whether there is anything but reads in it."""
    return any(
        writes_any(operation) if isinstance(operation, pb.TxnRequest) else not isinstance(operation, pb.RangeRequest)
        for operation in operations([*request.success, *request.failure])
    )


def execute(request: pb.TxnRequest, state: State, revision: int) -> pb.TxnResponse:
    """Answer; what is written, at `revision`, is in `state.writes` afterwards. Raises Refused."""
    return _follow(request, iter([*_outcomes(request, state)]), state, revision)


def _outcomes(request: pb.TxnRequest, state: State) -> Iterator[bool]:
    """Yield whether comparisons hold, of a transaction and of those within it that are then carried out, in order.

    All are made before anything is written: those within do not see the writes before them.
    """
    succeeded = all(_holds(compare, state) for compare in request.compare)
    yield succeeded
    for operation in operations(request.success if succeeded else request.failure):
        if isinstance(operation, pb.TxnRequest):
            yield from _outcomes(operation, state)


def _follow(request: pb.TxnRequest, outcomes: Iterator[bool], state: State, revision: int) -> pb.TxnResponse:
    succeeded = next(outcomes)
    branch = request.success if succeeded else request.failure
    responses = [_perform(operation, outcomes, state, revision) for operation in operations(branch)]
    return pb.TxnResponse(succeeded=succeeded, responses=responses)


def _perform(operation: Operation, outcomes: Iterator[bool], state: State, revision: int) -> pb.ResponseOp:
    match operation:
        case pb.PutRequest():
            return pb.ResponseOp(response_put=_put(operation, state, revision))
        case pb.DeleteRangeRequest():
            return pb.ResponseOp(response_delete_range=_delete(operation, state))
        case pb.TxnRequest():
            return pb.ResponseOp(response_txn=_follow(operation, outcomes, state, revision))
    if operation.revision:
        return pb.ResponseOp(response_range=state.past[operation.SerializeToString(deterministic=True)])
    records = state.range(bounds(operation.key, operation.range_end))
    return pb.ResponseOp(response_range=ranges.answer(operation, records, len(records)))


def _put(request: pb.PutRequest, state: State, revision: int) -> pb.PutResponse:
    key = request.key.decode()
    before = state.records.get(key)
    if (request.ignore_value or request.ignore_lease) and before is None:
        raise refusals.key_not_found()
    value = before.value if before and request.ignore_value else request.value
    lease = before.lease if before and request.ignore_lease else request.lease
    if lease and not state.has_lease(lease):
        raise refusals.lease_not_found()
    state.writes[key] = Write(key, value, lease)
    created, version = (before.create_revision, before.version + 1) if before else (revision, 1)
    state.records[key] = Record(key, value, created, revision, version, lease)
    return pb.PutResponse(prev_kv=key_value(before) if before and request.prev_kv else None)


def _delete(request: pb.DeleteRangeRequest, state: State) -> pb.DeleteRangeResponse:
    found = state.range(bounds(request.key, request.range_end))
    for record in found:
        del state.records[record.key]
        state.writes[record.key] = Write(record.key, None)
    previous = [key_value(record) for record in found] if request.prev_kv else []
    return pb.DeleteRangeResponse(deleted=len(found), prev_kvs=previous)


# --- comparisons


def _holds(compare: pb.Compare, state: State) -> bool:
    records = state.range(bounds(compare.key, compare.range_end))
    if not records:  # a key that is not there has no value, and 0 for everything else
        return compare.target != pb.Compare.VALUE and _compared(compare, Record("", b"", 0, 0, 0, 0))
    return all(_compared(compare, record) for record in records)


def _compared(compare: pb.Compare, record: Record) -> bool:
    actual: bytes | int
    wanted: bytes | int
    match compare.target:
        case pb.Compare.VALUE:
            return _related(compare.result, record.value, compare.value)
        case pb.Compare.CREATE:
            actual, wanted = record.create_revision, compare.create_revision
        case pb.Compare.MOD:
            actual, wanted = record.revision, compare.mod_revision
        case pb.Compare.VERSION:
            actual, wanted = record.version, compare.version
        case pb.Compare.LEASE:
            actual, wanted = record.lease, compare.lease
        case _:
            return False
    return _related(compare.result, actual, wanted)


def _related(result: int, actual: bytes | int, wanted: bytes | int) -> bool:
    order = (actual > wanted) - (actual < wanted)  # type: ignore[operator]  # both are of one type
    match result:
        case pb.Compare.EQUAL:
            return order == 0
        case pb.Compare.GREATER:
            return order > 0
        case pb.Compare.LESS:
            return order < 0
    return order != 0
