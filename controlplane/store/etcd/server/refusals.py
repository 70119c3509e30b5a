"""What etcd answers when it does not do what it was asked: clients match on these words and codes."""

from __future__ import annotations

import grpc

from controlplane.store.errors import StoreClosed, StoreCorrupt, StoreFull
from controlplane.store.interface import Compacted, FutureRevision, StoreError


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code, self.message = code, message


_INVALID, _MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
_RANGE, _STATE = grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.FAILED_PRECONDITION


def empty_key() -> Refused:
    return Refused(_INVALID, "etcdserver: key is not provided")


def key_not_found() -> Refused:
    return Refused(_INVALID, "etcdserver: key not found")


def key_not_text() -> Refused:
    """Ours: the store's keys are text, so that SQL and people can read them."""
    return Refused(_INVALID, "etcdserver: key is not UTF-8")


def value_provided() -> Refused:
    return Refused(_INVALID, "etcdserver: value is provided")


def lease_provided() -> Refused:
    return Refused(_INVALID, "etcdserver: lease is provided")


def too_many_operations() -> Refused:
    return Refused(_INVALID, "etcdserver: too many operations in txn request")


def duplicate_key() -> Refused:
    return Refused(_INVALID, "etcdserver: duplicate key given in txn request")


def request_too_large() -> Refused:
    return Refused(_INVALID, "etcdserver: request is too large")


def lease_not_found() -> Refused:
    return Refused(_MISSING, "etcdserver: requested lease not found")


def lease_exists() -> Refused:
    return Refused(_STATE, "etcdserver: lease already exists")


def lease_too_long() -> Refused:
    return Refused(_RANGE, "etcdserver: too large lease TTL")


def no_authentication() -> Refused:
    return Refused(_STATE, "etcdserver: authentication is not enabled")


def compacted() -> Refused:
    return Refused(_RANGE, "etcdserver: mvcc: required revision has been compacted")


def future_revision() -> Refused:
    return Refused(_RANGE, "etcdserver: mvcc: required revision is a future revision")


def of(error: StoreError) -> Refused:
    """Return how etcd says what a store says."""
    match error:
        case Compacted():
            return compacted()
        case FutureRevision():
            return future_revision()
        case StoreFull():
            return Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded")
        case StoreCorrupt():
            return Refused(grpc.StatusCode.DATA_LOSS, f"etcdserver: corrupt cluster: {error}")
        case StoreClosed():
            return Refused(grpc.StatusCode.UNAVAILABLE, "etcdserver: server stopped")
    return Refused(grpc.StatusCode.UNAVAILABLE, f"etcdserver: {error}")
