"""The DNS server on loopback: cluster names from caches, all others through a resolver that this test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from controlplane.api.codec import from_document
from controlplane.api.core_v1 import Service
from controlplane.api.discovery_v1 import EndpointSlice
from controlplane.client.client import Client
from controlplane.client.informer import Informers
from controlplane.kit.clock import SystemClock
from controlplane.kit.tasks import running
from nodeagent.dns import message
from nodeagent.dns.directory import SERVICE_INDEXES, SLICE_INDEXES, CachedDirectory
from nodeagent.dns.forward import Forwarder, ask_tcp, ask_udp
from nodeagent.dns.message import Answer, Question, Type, decode_query, encode_query, encode_response, parse_name
from nodeagent.dns.server import DnsMetrics, DnsServer, Resolver
from nodeagent.dns.zone import Zone
from tests.fakes.api import FakeApi

PORT, OUTSIDE_PORT = 25353, 25354


@dataclass
class Outside(asyncio.DatagramProtocol):
    """A resolver of the world outside: knows one name, counts what it is asked."""

    asked: list[str] = field(default_factory=list)
    deaf: bool = False
    curt: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = decode_query(data)
        self.asked.append(".".join(query.question.name))
        if self.curt:
            self.transport.sendto(data[:2], addr)
        elif not self.deaf:
            record = message.address(query.question.name, ip_address("192.0.2.7"), 60)
            self.transport.sendto(encode_response(query, Answer(records=[record])), addr)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Outside, local_addr=("127.0.0.1", OUTSIDE_PORT))
    yield protocol
    transport.close()


@pytest.fixture
async def server(tmp_path: Path, outside: Outside) -> AsyncIterator[FakeApi]:
    clock, api = SystemClock(), FakeApi(SystemClock())
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    informers = Informers(Client(api), clock)
    services = informers.of(Service, indexes=SERVICE_INDEXES)
    slices = informers.of(EndpointSlice, indexes=SLICE_INDEXES)
    zone = Zone("cluster.local", CachedDirectory(services, slices))
    forwarder = Forwarder(clock, frozenset({"10.96.0.10"}), tmp_path / "resolv.conf", OUTSIDE_PORT)
    dns = DnsServer(Resolver(zone, forwarder, DnsMetrics(CollectorRegistry()), clock), ["127.0.0.1"], PORT)
    async with running(informers.run(), dns.run()):
        await informers.synced()
        await dns.ready()
        yield api


def a_service() -> Service:
    document = {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20"], "ports": [{"port": 80}]},
    }
    return from_document(document, Service)


def question(name: str) -> bytes:
    return encode_query(4711, Question(parse_name(name), Type.A))


def address_in(response: bytes) -> str:
    """The address in the last record; "" for an answer without one. The id must be the question's."""
    assert int.from_bytes(response[:2]) == 4711
    return str(ip_address(response[-4:])) if int.from_bytes(response[6:8]) else ""


async def until_known(name: str, expected: str) -> None:
    for _ in range(200):
        if address_in(await ask_udp("127.0.0.1", PORT, question(name))) == expected:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{name} never became {expected}")


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp], ids=["udp", "tcp"])
async def test_a_service_resolves_over_both_transports(server: FakeApi, ask: Any) -> None:
    server.add(a_service())
    await until_known("web.default.svc.cluster.local", "10.96.0.20")
    assert address_in(await ask("127.0.0.1", PORT, question("web.default.svc.cluster.local"))) == "10.96.0.20"


async def test_a_deleted_service_is_gone(server: FakeApi) -> None:
    server.add(a_service())
    await until_known("web.default.svc.cluster.local", "10.96.0.20")
    server.remove(Service, "web", "default")
    await until_known("web.default.svc.cluster.local", "")


async def test_other_names_go_to_the_nodes_resolver_once(server: FakeApi, outside: Outside) -> None:
    for _ in range(3):
        assert address_in(await ask_udp("127.0.0.1", PORT, question("example.com"))) == "192.0.2.7"
    assert outside.asked == ["example.com"], "the second answer comes from the cache"


async def test_cluster_names_never_leave_the_node(server: FakeApi, outside: Outside) -> None:
    await ask_udp("127.0.0.1", PORT, question("nobody.default.svc.cluster.local"))
    assert outside.asked == []


async def test_a_silent_resolver_is_a_failure_not_a_hang(
    server: FakeApi, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodeagent.dns.forward._TIMEOUT", 0.1)
    outside.deaf = True
    response = await ask_udp("127.0.0.1", PORT, question("example.com"))
    assert response[3] & 0x0F == message.Code.SERVFAIL


async def test_a_resolver_that_answers_nonsense_is_a_failure_too(server: FakeApi, outside: Outside) -> None:
    outside.curt = True
    response = await ask_udp("127.0.0.1", PORT, question("example.com"))
    assert response[3] & 0x0F == message.Code.SERVFAIL


async def test_an_answer_is_kept_for_equal_requests_only(server: FakeApi, outside: Outside) -> None:
    await ask_udp("127.0.0.1", PORT, question("example.com"))
    announces_room = bytearray(question("example.com")) + b"\0\0\x29\x10\0\0\0\0\0\0\0"  # EDNS0: 4,096 bytes
    announces_room[11] = 1
    await ask_udp("127.0.0.1", PORT, bytes(announces_room))
    assert outside.asked == ["example.com", "example.com"], "it may be answered at greater length"


async def test_rubbish_is_answered_or_ignored_and_the_server_lives(server: FakeApi) -> None:
    response = await ask_udp("127.0.0.1", PORT, b"\x12\x67" + bytes(10) + b"\xff" * 20)
    assert response[3] & 0x0F == message.Code.FORMERR
    server.add(a_service())
    await until_known("web.default.svc.cluster.local", "10.96.0.20")
