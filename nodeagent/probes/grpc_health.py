"""The gRPC health checking protocol: grpc.health.v1.Health/Check, whose two messages have one field each."""

from __future__ import annotations

import grpc
import grpc.aio

from nodeagent.probes.verdict import Outcome

_SERVING = 1
_NAMES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check(host: str, port: int, service: str, timeout: float) -> Outcome:
    """Ask the server whether `service` ("" is the whole server) serves."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary("/grpc.health.v1.Health/Check", encode_request, decode_status)
        try:
            status = await call(service, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return Outcome(False, _say(error, address, timeout))
    if status == _SERVING:
        return Outcome(True, "service healthy")
    return Outcome(False, f'service unhealthy (responded with "{_NAMES.get(status, status)}")')


def encode_request(service: str) -> bytes:
    """Return HealthCheckRequest{service = 1}."""
    name = service.encode()
    if not name:
        return b""
    length, prefix = len(name), b""
    while length > 127:  # a protobuf varint: seven bits a byte, the lowest first
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return b"\x0a" + prefix + bytes([length]) + name


def decode_status(data: bytes) -> int:
    """Return HealthCheckResponse.status (= 1, a varint below 128); an empty message is UNKNOWN."""
    return data[1] if len(data) >= 2 and data[0] == 0x08 else 0


def _say(error: grpc.aio.AioRpcError, address: str, timeout: float) -> str:
    match error.code():
        case grpc.StatusCode.UNIMPLEMENTED:
            protocol = "the grpc health protocol (grpc.health.v1.Health)"
            return f"error: this server does not implement {protocol}: {error.details()}"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"timeout: health rpc did not complete within {timeout:g}s"
        case grpc.StatusCode.UNAVAILABLE:
            return f'timeout: failed to connect service "{address}" within {timeout:g}s: {error.details()}'
    return f"error: health rpc probe failed: {error.details()}"
