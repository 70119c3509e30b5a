"""The way to an etcd: one connection, to one of its members at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import grpc
import grpc.aio

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from controlplane.store.errors import StoreClosed, StoreCorrupt, StoreFull, StoreUnavailable
from controlplane.store.etcd.tls import Identity
from controlplane.store.interface import FutureRevision, StoreError

log = logging.getLogger(__name__)

M = TypeVar("M")
Stream: TypeAlias = Any  # grpc.aio.StreamStreamCall, which has no types

_OPTIONS = [
    ("grpc.enable_http_proxy", 0),  # what the environment says of proxies is not about the store
    ("grpc.max_receive_message_length", -1),  # a page of large objects
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),  # upstream's
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_TIMEOUT = 10.0  # seconds for one attempt
_PATIENCE = 10.0  # seconds during which a request that was not served is tried again
_RETRY = Backoff(0.05, 1.0)
_METADATA = (("hasleader", "true"),)  # a member that is cut off from the others says so, instead of being silent

# Why a request certainly did nothing, though it was a write.
_NOT_DONE = ("failed to connect to all addresses", "etcdserver: no leader")

_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
_FUTURE = "etcdserver: mvcc: required revision is a future revision"


class CompactedAway(StoreError):
    """The history that was asked for is gone; how much of it the answer does not say."""


class LeaseNotFound(StoreError):
    """The lease has ended."""


class Connection:
    """Calls a member; when it does not answer, the next one."""

    def __init__(self, endpoints: Sequence[str], identity: Identity, clock: Clock):
        """`endpoints` are URLs, such as https://10.0.0.1:2379. Raises StoreError."""
        self._addresses = [_address(endpoint) for endpoint in endpoints]
        self._clock = clock
        tls = any(secure for _, secure in self._addresses)
        self._credentials = identity.channel_credentials() if tls else None
        self._turn = 0
        self._channels: dict[str, grpc.aio.Channel] = {}  # one a member that was turned to
        self._calls: dict[tuple[str, str], Callable[..., Any]] = {}
        self._closed = self._lost = False

    @property
    def member(self) -> str:
        """Host and port of the member that is spoken to."""
        return self._addresses[self._turn % len(self._addresses)][0]

    async def call(self, method: str, request: Any, response: type[M], *, writes: bool = False) -> M:
        """Call `method`, such as KV/Range. Raises StoreError.

        A request that `writes` is tried again only if it certainly did nothing; others for some seconds.
        """
        deadline, attempt = self._clock.monotonic() + _PATIENCE, 0
        while True:
            turn, member = self._turn, self.member
            try:
                answer = await self._once(method, request, response)
                self._found()
                return answer
            except grpc.aio.AioRpcError as error:
                failure = translate(error, member)
                if not isinstance(failure, StoreUnavailable):
                    raise failure from error
                self._missed(failure)
                self.give_up(turn)
                again = not writes or any(reason in (error.details() or "") for reason in _NOT_DONE)
                if not again or self._clock.monotonic() >= deadline:
                    raise failure from error
            if attempt >= len(self._addresses) - 1:  # all were asked: give them a moment
                await self._clock.sleep(_RETRY.delay(attempt))
            attempt += 1

    def _missed(self, failure: StoreError) -> None:
        if not self._lost:
            log.warning("store: %s", failure)
        self._lost = True

    def _found(self) -> None:
        if self._lost:
            log.warning("store: the etcd at %s serves again", self.member)
        self._lost = False

    async def _once(self, method: str, request: Any, response: type[M]) -> M:
        call = self._calls.get((self.member, method))
        if call is None:
            parse: Callable[[bytes], M] = response.FromString  # type: ignore[attr-defined]
            call = self._open().unary_unary(f"/etcdserverpb.{method}", _serialize, parse)
            self._calls[self.member, method] = call
        try:
            answer: M = await call(request, timeout=_TIMEOUT, metadata=_METADATA)
        except asyncio.CancelledError:
            self._stop_if_closed()
            raise
        return answer

    def stream(self, method: str, response: type[Any]) -> Stream:
        """Begin a conversation."""
        parse: Callable[[bytes], Any] = response.FromString
        call: Stream = self._open().stream_stream(f"/etcdserverpb.{method}", _serialize, parse)(metadata=_METADATA)
        return call

    async def tell(self, method: str, request: Any, response: type[M]) -> AsyncIterator[M]:
        """Ask once, and yield many answers. Raises StoreError."""
        parse: Callable[[bytes], M] = response.FromString  # type: ignore[attr-defined]
        call: Stream = self._open().unary_stream(f"/etcdserverpb.{method}", _serialize, parse)(request)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise translate(error, self.member) from error
        finally:
            call.cancel()

    @property
    def turn(self) -> int:
        """Counts the members turned to; what `give_up` is told."""
        return self._turn

    def give_up(self, turn: int) -> None:
        """Turn to the next member, if nobody has since `turn`. Calls under way on the old one run to their end."""
        if turn == self._turn:
            self._turn += 1

    def _open(self) -> grpc.aio.Channel:
        self._stop_if_closed()
        address, secure = self._addresses[self._turn % len(self._addresses)]
        channel = self._channels.get(address)
        if channel is None:  # a channel belongs to the running loop, so it is not made in the constructor
            if secure and self._credentials is not None:
                channel = grpc.aio.secure_channel(address, self._credentials, options=_OPTIONS)
            else:
                channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
            self._channels[address] = channel
        return channel

    def _stop_if_closed(self) -> None:
        if self._closed:
            raise StoreClosed

    async def close(self) -> None:
        self._closed = True
        self._calls.clear()
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()


def _address(endpoint: str) -> tuple[str, bool]:
    """Return host:port, and whether there is TLS."""
    parts = urlsplit(endpoint)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None or parts.path.strip("/"):
        raise StoreError(f"{endpoint!r} is not the URL of an etcd, such as https://127.0.0.1:2379")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}", parts.scheme == "https"


def translate(error: grpc.aio.AioRpcError, member: str) -> StoreError:
    """Return the store's word for what an etcd answers."""
    details = error.details() or ""
    if details == _COMPACTED:
        return CompactedAway(details)
    if details == _FUTURE:
        return FutureRevision(details)
    if "requested lease not found" in details:
        return LeaseNotFound(details)
    if "database space exceeded" in details:
        return StoreFull(f"the etcd at {member} has no room: {details}")
    match error.code():
        case grpc.StatusCode.DATA_LOSS:
            return StoreCorrupt(f"the etcd at {member} is damaged: {details}")
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return StoreUnavailable(f"the etcd at {member} is not available: {details}")
    return StoreError(f"the etcd at {member} says: {details}")


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
