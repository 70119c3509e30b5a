"""Names outside the cluster: passed on, byte for byte, to the resolvers of the node's own /etc/resolv.conf."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from controlplane.kit.clock import Clock
from nodeagent.dns.message import HEADER, BadMessage, minimum_ttl

log = logging.getLogger(__name__)

RESOLV_CONF = Path("/etc/resolv.conf")
SYSTEMD_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")  # the real servers behind systemd-resolved's stub
_TIMEOUT = 2.0  # seconds per resolver, as glibc waits 5 in all
_CACHE_ENTRIES = 1000
_CACHE_SECONDS = 30  # upstream's CoreDNS configuration keeps answers no longer


class NoAnswer(Exception):
    """No resolver answered."""


def nameservers(resolv_conf: str, own: frozenset[str]) -> list[str]:
    """Return the resolvers of resolv.conf(5), without our own addresses: a query must not come back to us."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                server = str(ip_address(words[1].partition("%")[0]))
            except ValueError:
                continue
            if server not in own:
                found.append(server)
    return found


def resolv_conf_of(main: Path = RESOLV_CONF, systemd: Path = SYSTEMD_RESOLV_CONF) -> Path:
    """Return the file that names the real resolvers: systemd-resolved's stub is no use to a pod."""
    try:
        return systemd if systemd.exists() and "127.0.0.53" in main.read_text() else main
    except OSError:
        return main


class Forwarder:
    """Asks the node's resolvers in their order, and remembers answers for a little while."""

    def __init__(self, clock: Clock, own_addresses: frozenset[str], resolv_conf: Path | None = None, port: int = 53):
        self._clock, self._own, self._port = clock, own_addresses, port
        self._path = resolv_conf or resolv_conf_of()
        self._read: tuple[int, list[str]] = (-1, [])
        self._cache: OrderedDict[tuple[bytes, bool], tuple[float, bytes]] = OrderedDict()

    def servers(self) -> list[str]:
        """The resolvers, read again when the file was changed (DHCP does that)."""
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._read[0]:
                self._read = (changed, nameservers(self._path.read_text(errors="replace"), self._own))
        except OSError:
            return []  # no file, no resolvers: resolv.conf(5) would have us ask ourselves
        return self._read[1]

    async def ask(self, request: bytes, *, tcp: bool) -> bytes:
        """Return a response to `request`, with its id. Raises NoAnswer."""
        # All but the id: who announced more room, or asked for signatures, gets an answer of another size.
        key = (request[2:], tcp)
        cached = self._cache.get(key)
        if cached is not None and cached[0] > self._clock.monotonic():
            return request[:2] + cached[1][2:]
        response = await self._ask_each(self.servers(), request, tcp)
        self._remember(key, response)
        return response

    async def _ask_each(self, servers: Sequence[str], request: bytes, tcp: bool) -> bytes:
        for server in servers:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    response = await (ask_tcp if tcp else ask_udp)(server, self._port, request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                log.debug("resolver %s does not answer: %r", server, error)
                continue
            if len(response) >= HEADER:
                return response
            log.debug("resolver %s answers nonsense: %r", server, response)
        raise NoAnswer(f"none of the resolvers {', '.join(servers) or '(there are none)'} answered")

    def _remember(self, key: tuple[bytes, bool], response: bytes) -> None:
        try:
            seconds = min(_CACHE_SECONDS, minimum_ttl(response))
        except BadMessage:
            return  # it goes to whoever asked, who may make more of it; nobody else gets it
        if seconds > 0 and response[3] & 0x0F in (0, 3):
            self._cache[key] = (self._clock.monotonic() + seconds, response)
            self._cache.move_to_end(key)
            while len(self._cache) > _CACHE_ENTRIES:
                self._cache.popitem(last=False)


class _OneAnswer(asyncio.DatagramProtocol):
    """Waits for the datagram that answers one request."""

    def __init__(self, request: bytes):
        self._request = request
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self._request)  # uvloop's class does not derive from it

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if data[:2] == self._request[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def ask_udp(server: str, port: int, request: bytes) -> bytes:
    """One datagram there, one back. Raises OSError."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _OneAnswer(request), remote_addr=(server, port))
    try:
        return await protocol.answer
    finally:
        transport.close()


async def ask_tcp(server: str, port: int, request: bytes) -> bytes:
    """One request over a connection of its own. Raises OSError, asyncio.IncompleteReadError."""
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(len(request).to_bytes(2) + request)
        await writer.drain()
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    finally:
        writer.close()
