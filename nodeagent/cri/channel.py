"""The gRPC connection to containerd's socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import Any, Protocol, TypeVar

import grpc
import grpc.aio

from nodeagent.cri.errors import NotFound, RuntimeFailure, TimedOut, Unavailable

M = TypeVar("M")

# Upstream's --runtime-request-timeout, in seconds.
DEFAULT_TIMEOUT = 120.0

_ERRORS: dict[grpc.StatusCode, type[RuntimeFailure]] = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOut,
}

_OPTIONS = [
    # Without it the authority is the percent-encoded socket path, which containerd's Go gRPC refuses.
    ("grpc.default_authority", "localhost"),
    # containerd restarts within a second or two: try again soon, and never back off for minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 16 << 20),  # a list of a thousand containers exceeds the default of 4 MiB
]


class CallObserver(Protocol):
    """Counts and times calls: kubelet_runtime_operations_*."""

    def __call__(self, operation: str, seconds: float, failed: bool) -> None: ...


def _ignore(operation: str, seconds: float, failed: bool) -> None:
    pass


class Channel:
    """One connection, made on first use and made again when containerd comes back."""

    def __init__(self, socket: str = "/run/containerd/containerd.sock", observe: CallObserver = _ignore):
        self._target = socket if "://" in socket else f"unix://{socket}"
        self._observe = observe
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}

    async def call(self, method: str, request: Any, response: type[M], *, timeout: float | None = DEFAULT_TIMEOUT) -> M:
        """Call `method`, such as /runtime.v1.RuntimeService/Version. Raises RuntimeFailure."""
        call = self._calls.get(method)
        if call is None:
            parse: Callable[[bytes], M] = response.FromString  # type: ignore[attr-defined]
            call = self._open().unary_unary(method, lambda sent: sent.SerializeToString(), parse)
            self._calls[method] = call
        started, failed = perf_counter(), True
        try:
            answer: M = await call(request, timeout=timeout)
            failed = False
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        finally:
            self._observe(method.rpartition("/")[2], perf_counter() - started, failed)
        return answer

    async def stream(self, method: str, request: Any, response: type[M]) -> AsyncIterator[M]:
        """Yield the answers of a call that streams. Raises RuntimeFailure."""
        parse: Callable[[bytes], M] = response.FromString  # type: ignore[attr-defined]
        call = self._open().unary_stream(method, lambda sent: sent.SerializeToString(), parse)(request)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        finally:
            call.cancel()

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            self._calls.clear()

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:  # a channel belongs to the running loop, so it is not made in the constructor
            self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        return self._channel


def _failure(error: grpc.aio.AioRpcError) -> RuntimeFailure:
    kind = _ERRORS.get(error.code(), RuntimeFailure)
    # Upstream's messages name gRPC's code the way Go prints it; people search for that line.
    code = "".join(word.capitalize() for word in error.code().name.split("_"))
    return kind(f"rpc error: code = {code} desc = {error.details()}")
