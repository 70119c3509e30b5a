"""DNS over UDP and TCP on the cluster's DNS address."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Sequence
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Histogram

from controlplane.kit.clock import Clock
from nodeagent.dns.forward import Forwarder, NoAnswer
from nodeagent.dns.message import (
    HEADER,
    Answer,
    BadMessage,
    Code,
    Query,
    Type,
    decode_query,
    encode_response,
)
from nodeagent.dns.zone import Zone

log = logging.getLogger(__name__)

_IDLE_SECONDS = 10.0  # how long a TCP client may be silent
_MAX_UDP = 1232  # bytes: fits every path without fragments (DNS flag day 2020)
_MAX_FORWARDED = 500  # requests waiting for outside resolvers; more are refused at once


class DnsMetrics:
    """CoreDNS's names."""

    def __init__(self, registry: CollectorRegistry):
        labels = ["server", "zone", "view", "proto", "family"]
        self.requests = Counter(
            "coredns_dns_requests_total",
            "Counter of DNS requests made per zone, protocol and family",
            [*labels, "type"],
            registry=registry,
        )
        self.responses = Counter(
            "coredns_dns_responses_total",
            "Counter of response status codes",
            ["server", "zone", "view", "rcode", "plugin"],
            registry=registry,
        )
        self.duration = Histogram(
            "coredns_dns_request_duration_seconds",
            "Histogram of the time (in seconds) each request took per zone",
            ["server", "zone", "view"],
            buckets=[0.00025 * 2**power for power in range(16)],
            registry=registry,
        )


class Resolver:
    """Turns a request's bytes into a response's bytes."""

    def __init__(self, zone: Zone, forwarder: Forwarder, metrics: DnsMetrics, clock: Clock):
        self._zone, self._forwarder, self._metrics, self._clock = zone, forwarder, metrics, clock
        self._forwarded = 0

    async def respond(self, request: bytes, *, tcp: bool) -> bytes | None:
        """Return what to send back; None for bytes that are not even a request."""
        started = self._clock.monotonic()
        try:
            query = decode_query(request)
        except BadMessage:
            return _format_error(request)
        try:
            response, zone, code = await self._answer(query, request, tcp)
        except Exception:
            # One question that cannot be digested must not silence the names of the whole node.
            log.exception("cannot answer %s", ".".join(query.question.name))
            response, zone, code = encode_response(query, Answer(Code.SERVFAIL), _MAX_UDP), ".", Code.SERVFAIL
        self._count(query, zone, code, tcp, self._clock.monotonic() - started)
        return response

    async def _answer(self, query: Query, request: bytes, tcp: bool) -> tuple[bytes, str, int]:
        limit = 65535 if tcp else min(query.udp_limit, _MAX_UDP)
        answer = self._zone.answer(query.question)
        if answer is not None:
            return encode_response(query, answer, limit), self._zone.domain, answer.code
        if self._forwarded >= _MAX_FORWARDED:
            return encode_response(query, Answer(Code.REFUSED), limit), ".", Code.REFUSED
        self._forwarded += 1
        try:
            response = await self._forwarder.ask(request, tcp=tcp)
            return response, ".", response[3] & 0x0F
        except NoAnswer as failure:
            log.debug("%s: %s", ".".join(query.question.name), failure)
            return encode_response(query, Answer(Code.SERVFAIL), limit), ".", Code.SERVFAIL
        finally:
            self._forwarded -= 1

    def _count(self, query: Query, zone: str, code: int, tcp: bool, seconds: float) -> None:
        known = query.question.type in Type.__members__.values()
        kind = Type(query.question.type).name if known else "other"
        proto = "tcp" if tcp else "udp"
        self._metrics.requests.labels("dns://:53", zone, "", proto, "1", kind).inc()
        self._metrics.responses.labels("dns://:53", zone, "", Code(code).name if code <= 5 else str(code), "").inc()
        self._metrics.duration.labels("dns://:53", zone, "").observe(seconds)


def _format_error(request: bytes) -> bytes | None:
    """Say FORMERR to what at least looks like a request; answering a response could go on for ever."""
    if len(request) < HEADER or request[2] & 0x80:
        return None
    return request[:2] + struct.pack(">5H", 0x8000 | Code.FORMERR, 0, 0, 0, 0)


class _Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram in a task of its own, all of which the server owns."""

    def __init__(self, resolver: Resolver, tasks: asyncio.TaskGroup):
        self._resolver, self._tasks = resolver, tasks
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's own class does not derive from it

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._tasks.create_task(self._respond(data, addr))

    async def _respond(self, data: bytes, addr: Any) -> None:
        response = await self._resolver.respond(data, tcp=False)
        if response is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(response, addr)


class DnsServer:
    """Listens on its addresses until cancelled."""

    def __init__(self, resolver: Resolver, addresses: Sequence[str], port: int = 53):
        self._resolver, self._addresses, self._port = resolver, addresses, port
        self._ready = asyncio.Event()

    async def ready(self) -> None:
        await self._ready.wait()

    async def run(self) -> None:
        """Raises OSError, in a group, where the address is not this machine's or the port is taken."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            opened: list[asyncio.BaseTransport | asyncio.Server] = []
            try:
                for address in self._addresses:
                    transport, _ = await loop.create_datagram_endpoint(
                        lambda: _Datagrams(self._resolver, tasks), local_addr=(address, self._port)
                    )
                    opened.append(transport)
                    opened.append(await asyncio.start_server(self._serve, address, self._port))
                self._ready.set()
                await loop.create_future()
            finally:
                for one in opened:
                    one.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one TCP connection, one after the other."""
        try:
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    request = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                response = await self._resolver.respond(request, tcp=True)
                if response is None:
                    return
                writer.write(len(response).to_bytes(2) + response)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            return  # the client is gone, or has nothing more to ask
        finally:
            writer.close()
