"""The services on a port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from random import Random
from typing import Any

import grpc
import grpc.aio

from controlplane.kit.clock import Clock
from controlplane.kit.tasks import running
from controlplane.store.etcd import etcd_pb2 as pb
from controlplane.store.etcd.server import refusals
from controlplane.store.etcd.server.hub import Hub
from controlplane.store.etcd.server.kv import MOST_BYTES, KeyValues
from controlplane.store.etcd.server.leases import Leases
from controlplane.store.etcd.server.maintenance import Maintenance, Problem
from controlplane.store.etcd.server.replies import Member
from controlplane.store.etcd.server.watching import Watches
from controlplane.store.etcd.tls import Identity
from controlplane.store.interface import ServedStore, StoreError

_OPTIONS = [
    ("grpc.so_reuseport", 0),  # a port that another process has is an error, not shared
    ("grpc.max_receive_message_length", 4 * MOST_BYTES),  # what is too large is then refused in etcd's words
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),  # as etcd's --grpc-keepalive-min-time
]
_GRACE = 0.5  # seconds for calls under way when the server stops


class EtcdServer:
    """A store, served. Made and run by `listening`."""

    def __init__(self, store: ServedStore, member: Member, clock: Clock, random: Random, problem: Problem, start: int):
        self.leases = Leases(store, member, clock, random)
        self.hub = Hub(store, start)
        self._kv = KeyValues(store, member, self.leases)
        self._watches = Watches(store, member, self.hub, clock)
        self._maintenance = Maintenance(store, member, clock, problem)

    @classmethod
    @asynccontextmanager
    async def listening(
        cls,
        store: ServedStore,
        addresses: Sequence[str],
        identity: Identity | None,
        clock: Clock,
        random: Random,
        *,
        member: Member | None = None,
        problem: Problem = str,
    ) -> AsyncIterator[list[int]]:
        """Serve on host:port addresses until the block ends, which is given the ports; 0 is any that is free.

        Without an identity there is no TLS: for sockets that nobody else can reach. Raises StoreError.
        """
        server = cls(store, member or Member(), clock, random, problem, await store.revision())
        await server.leases.load()
        transport = grpc.aio.server(options=_OPTIONS)
        transport.add_generic_rpc_handlers(tuple(server.handlers()))
        ports = [_bind(transport, address, identity) for address in addresses]
        async with running(server.hub.run(), server.leases.run()):
            await transport.start()
            try:
                yield ports
            finally:
                await transport.stop(_GRACE)

    def handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        kv, leases, maintenance = self._kv, self.leases, self._maintenance
        yield _service(
            "KV",
            Range=_answering(kv.range, pb.RangeRequest),
            Put=_answering(kv.put, pb.PutRequest),
            DeleteRange=_answering(kv.delete_range, pb.DeleteRangeRequest),
            Txn=_answering(kv.txn, pb.TxnRequest),
            Compact=_answering(kv.compact, pb.CompactionRequest),
        )
        yield _service("Watch", Watch=_conversing(self._watches.watch, pb.WatchRequest))
        yield _service(
            "Lease",
            LeaseGrant=_answering(leases.grant, pb.LeaseGrantRequest),
            LeaseRevoke=_answering(leases.revoke, pb.LeaseRevokeRequest),
            LeaseKeepAlive=_conversing(leases.keep_alive, pb.LeaseKeepAliveRequest),
            LeaseTimeToLive=_answering(leases.time_to_live, pb.LeaseTimeToLiveRequest),
            LeaseLeases=_answering(leases.leases, pb.LeaseLeasesRequest),
        )
        yield _service("Cluster", MemberList=_answering(maintenance.member_list, pb.MemberListRequest))
        yield _service(
            "Maintenance",
            Status=_answering(maintenance.status, pb.StatusRequest),
            Alarm=_answering(maintenance.alarm, pb.AlarmRequest),
            Defragment=_answering(maintenance.defragment, pb.DefragmentRequest),
            Hash=_answering(maintenance.hash, pb.HashRequest),
            HashKV=_answering(maintenance.hash_kv, pb.HashKVRequest),
            Snapshot=_telling(maintenance.snapshot, pb.SnapshotRequest),
        )
        yield _service(
            "Auth",
            AuthStatus=_answering(maintenance.auth_status, pb.AuthStatusRequest),
            Authenticate=_answering(maintenance.authenticate, pb.AuthenticateRequest),
        )


def _bind(transport: grpc.aio.Server, address: str, identity: Identity | None) -> int:
    try:
        if identity is None:
            return int(transport.add_insecure_port(address))
        return int(transport.add_secure_port(address, identity.server_credentials()))
    except RuntimeError as error:
        raise StoreError(f"cannot listen on {address}: {error}") from error


def _service(name: str, **methods: grpc.RpcMethodHandler) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(f"etcdserverpb.{name}", methods)


def _answering(method: Callable[[Any], Awaitable[Any]], request_type: Any) -> grpc.RpcMethodHandler:
    """Return the handler of a method with one answer."""

    async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await method(request)
        except (refusals.Refused, StoreError) as error:
            await _refuse(context, error)

    return grpc.unary_unary_rpc_method_handler(handle, request_type.FromString, _serialize)


def _telling(method: Callable[[Any], AsyncIterator[Any]], request_type: Any) -> grpc.RpcMethodHandler:
    """Return the handler of a method with many answers."""

    async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await _write(method(request), context)

    return grpc.unary_stream_rpc_method_handler(handle, request_type.FromString, _serialize)


def _conversing(method: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], request_type: Any) -> grpc.RpcMethodHandler:
    """Return the handler of a method with many requests and answers."""

    async def handle(requests: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await _write(method(requests), context)

    return grpc.stream_stream_rpc_method_handler(handle, request_type.FromString, _serialize)


async def _write(answers: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]) -> None:
    # Closed here, in the task of the call, whatever ends it: its own tasks end with it.
    failure: BaseException | None = None
    try:
        async with aclosing(answers):  # type: ignore[type-var]
            async for answer in answers:
                await context.write(answer)
    except* (refusals.Refused, StoreError) as group:
        failure = _first(group)
    if failure is not None:
        await _refuse(context, failure)


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    first: BaseException = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _refuse(context: grpc.aio.ServicerContext[Any, Any], error: BaseException) -> None:
    refused = refusals.of(error) if isinstance(error, StoreError) else error
    assert isinstance(refused, refusals.Refused)
    await context.abort(refused.code, refused.message)


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
