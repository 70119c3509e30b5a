"""What a Range request shows of the records in its range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server.replies import key_value
from controlplane.store.interface import Record

_TARGETS: dict[int, Callable[[Record], Any]] = {
    pb.RangeRequest.KEY: lambda record: record.key,
    pb.RangeRequest.VERSION: lambda record: record.version,
    pb.RangeRequest.CREATE: lambda record: record.create_revision,
    pb.RangeRequest.MOD: lambda record: record.revision,
    pb.RangeRequest.VALUE: lambda record: record.value,
}


def needs_all(request: pb.RangeRequest) -> bool:
    """Return whether all records in the range must be looked at, whatever the limit."""
    return bool(
        request.sort_order
        or request.sort_target
        or request.min_mod_revision
        or request.max_mod_revision
        or request.min_create_revision
        or request.max_create_revision
    )


def answer(request: pb.RangeRequest, records: Sequence[Record], count: int) -> pb.RangeResponse:
    """Return the answer, without its header; `count` records are in the range, of which `records` are the first."""
    if request.count_only:
        return pb.RangeResponse(count=count)
    kept: Sequence[Record] = records
    if needs_all(request):
        kept = _sorted(request, [record for record in records if _passes(request, record)])
    shown = kept[: request.limit] if request.limit > 0 else kept
    more = len(shown) < len(kept) or (not needs_all(request) and count > len(shown))
    kvs = [key_value(record, keys_only=request.keys_only) for record in shown]
    return pb.RangeResponse(kvs=kvs, more=more, count=count)


def _passes(request: pb.RangeRequest, record: Record) -> bool:
    return (
        _within(record.revision, request.min_mod_revision, request.max_mod_revision)
        and _within(record.create_revision, request.min_create_revision, request.max_create_revision)
    )  # fmt: skip


def _within(revision: int, least: int, most: int) -> bool:
    return revision >= least and (not most or revision <= most)


def _sorted(request: pb.RangeRequest, records: Sequence[Record]) -> Sequence[Record]:
    if request.sort_target not in _TARGETS:
        return records
    descending = request.sort_order == pb.RangeRequest.DESCEND
    return sorted(records, key=_TARGETS[request.sort_target], reverse=descending)
