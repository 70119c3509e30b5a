"""Where audit events go: a file that is rotated, batches, a webhook that may not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from controlplane.api.authentication_v1 import UserInfo
from controlplane.apiserver.audit.batch import BatchConfig, Batched
from controlplane.apiserver.audit.event import Event, ObjectReference, ResponseStatus, json_line, legacy_line
from controlplane.apiserver.audit.log import BlockingLog, LogFile, LogSettings, Writer, outdated
from controlplane.apiserver.audit.objects import request_document
from controlplane.apiserver.audit.trail import source_ips
from controlplane.apiserver.audit.webhook import Webhook
from controlplane.apiserver.messages import Peer, Query, Request
from controlplane.client.transport import Response, Unreachable
from controlplane.kit.clock import ManualClock


def event(name: str = "e", **more: Any) -> Event:
    fields: dict[str, Any] = {
        "kind": "Event", "api_version": "audit.k8s.io/v1", "level": "Metadata", "audit_id": name, "stage": "Panic",
        "request_uri": "/api", "verb": "get", "user": UserInfo(),
        "request_received_timestamp": "2026-11-26T19:34:37.500000Z", "stage_timestamp": "2026-11-26T19:34:38.000000Z",
    }  # fmt: skip
    return Event(**(fields | more))


class Losses(list[tuple[str, int]]):
    def __call__(self, plugin: str, events: Sequence[Event], why: str) -> None:
        self.append((plugin, len(events)))


# --- one line


def test_a_body_that_nobody_could_walk_is_not_shown() -> None:
    """A request that is refused for it is audited all the same."""
    assert request_document(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json") is None


def test_an_event_has_upstreams_fields_in_their_order() -> None:
    told = event(
        user=UserInfo(username="jane", groups=["dev"]),
        object_ref=ObjectReference(resource="pods", namespace="shop", name="web", api_version="v1"),
        response_status=ResponseStatus(metadata={}, code=200),
        response_object=msgspec.Raw(b'{"kind":"Pod"}'),
        annotations={"authorization.k8s.io/decision": "allow"},
    )
    assert json_line(told) == (
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"e","stage":"Panic",'
        b'"requestURI":"/api","verb":"get","user":{"groups":["dev"],"username":"jane"},'
        b'"objectRef":{"resource":"pods","namespace":"shop","name":"web","apiVersion":"v1"},'
        b'"responseStatus":{"metadata":{},"code":200},"responseObject":{"kind":"Pod"},'
        b'"requestReceivedTimestamp":"2026-11-26T19:34:37.500000Z","stageTimestamp":"2026-11-26T19:34:38.000000Z",'
        b'"annotations":{"authorization.k8s.io/decision":"allow"}}\n'
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(
            event(),
            '2026-11-26T19:34:37.5Z AUDIT: id="e" stage="Panic" ip="<unknown>" method="get" user="<none>" '
            'groups="<none>" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" uri="/api" '
            'response="<deferred>"\n',
            id="little is known",
        ),
        pytest.param(
            event(
                user=UserInfo(username='j"x', groups=["a", "b"]), impersonated_user=UserInfo(username="joe"),
                source_ips=["10.0.0.1", "10.0.0.2"], user_agent="kubectl\n", response_status=ResponseStatus(
                    metadata={}, code=404),
                object_ref=ObjectReference(namespace="shop"),
                request_received_timestamp="2026-11-26T19:34:37.000000Z",
            ),
            '2026-11-26T19:34:37Z AUDIT: id="e" stage="Panic" ip="10.0.0.1" method="get" user="j\\"x" '
            'groups="\\"a\\",\\"b\\"" as="joe" asgroups="<lookup>" user-agent="kubectl\\n" namespace="shop" uri="/api" '
            'response="404"\n',
            id="all is known",
        ),
    ],
)  # fmt: skip
def test_a_line_of_old(told: Event, expected: str) -> None:
    assert legacy_line(told).decode() == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, ["10.0.0.9"], id="no proxy"),
        pytest.param({"X-Forwarded-For": "10.0.0.1, 10.0.0.2"}, ["10.0.0.1", "10.0.0.2", "10.0.0.9"], id="proxies"),
        pytest.param({"X-Forwarded-For": "me, 10.0.0.1"}, ["10.0.0.1", "10.0.0.9"], id="no address"),
        pytest.param({"X-Forwarded-For": "10.0.0.9"}, ["10.0.0.9"], id="the other end itself, last"),
        pytest.param({"X-Forwarded-For": "10.0.0.9,10.0.0.1"}, ["10.0.0.9", "10.0.0.1", "10.0.0.9"], id="and before"),
        pytest.param({"X-Real-Ip": "fd00::1"}, ["fd00::1", "10.0.0.9"], id="X-Real-Ip"),
        pytest.param({"X-Forwarded-For": "10.0.0.1", "X-Real-Ip": "10.0.0.1"}, ["10.0.0.1", "10.0.0.9"], id="twice"),
    ],
)
def test_source_ips(headers: dict[str, str], expected: list[str]) -> None:
    async def read() -> bytes:
        return b""

    request = Request("GET", "/", Query(""), CIMultiDict(headers), read, Peer(address="10.0.0.9"))
    assert source_ips(request) == expected


# --- the file


async def test_a_full_file_becomes_another(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 11, 26, 6, 30, tzinfo=UTC))
    log = LogFile(LogSettings(str(tmp_path / "logs" / "audit.log"), max_size=1, max_backups=2), clock)
    line = b"x" * (600 * 1024)
    for number in range(5):
        log.write(line + str(number).encode())
        await clock.advance(1.5)
    log.close()
    files = sorted((tmp_path / "logs").iterdir())
    assert [file.name for file in files] == [
        "audit-2026-11-26T06-30-04.500.log", "audit-2026-11-26T06-30-06.000.log", "audit.log",
    ]  # fmt: skip
    assert [file.read_bytes()[-1:] for file in files] == [b"2", b"3", b"4"]
    assert files[-1].stat().st_mode & 0o777 == 0o600


def test_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    settings = LogSettings(str(tmp_path / "audit.log"), max_size=0)
    for text in (b"one\n", b"two\n"):
        log = LogFile(settings, ManualClock())
        log.write(text)
        log.close()
    assert (tmp_path / "audit.log").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("max_backups", "max_age", "expected"),
    [(0, 0, []), (2, 0, ["1"]), (0, 5, ["1", "2"]), (2, 5, ["1", "2"]), (9, 99, [])],
)
def test_outdated(max_backups: int, max_age: int, expected: list[str]) -> None:
    backups = [(Path(str(day)), datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2, 9)]
    settings = LogSettings("x", max_backups=max_backups, max_age=max_age)
    found = outdated(backups, settings, datetime(2026, 1, 10, tzinfo=UTC))
    assert sorted(map(str, found)) == expected


class Full:
    def write(self, lines: bytes) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("strict", "goes_on"), [(False, True), (True, False)])
def test_a_disk_that_is_full(strict: bool, goes_on: bool) -> None:
    losses = Losses()
    assert BlockingLog(Writer(Full(), json_line, losses), strict=strict).take(event()) is goes_on
    assert losses == [("log", 1)]


# --- batches


class Deliveries(list[list[str]]):
    """A sink that keeps what it is sent; or waits for ever."""

    stuck = False

    async def __call__(self, events: Sequence[Event]) -> None:
        if self.stuck:
            await asyncio.get_running_loop().create_future()
        self.append([one.audit_id for one in events])


async def test_a_batch_goes_when_it_is_full_or_old() -> None:
    clock, sent, losses = ManualClock(), Deliveries(), Losses()
    batched = Batched(sent, BatchConfig(size=2, wait=30.0), clock, losses)
    async with batched.running():
        for name in "abc":
            batched.take(event(name))
        await clock.advance(1.0)
        assert sent == [["a", "b"]]
        await clock.advance(30.0)
        assert sent == [["a", "b"], ["c"]]
        batched.take(event("d"))
    assert sent[2:] == [["d"]], "a server that stops sends what there is"
    assert not losses


async def test_what_is_too_much_is_lost() -> None:
    clock, sent, losses = ManualClock(), Deliveries(), Losses()
    sent.stuck = True
    batched = Batched(sent, BatchConfig(size=1, buffer=3), clock, losses)
    async with batched.running():
        batched.take(event("a"))
        await clock.advance(1.0)
        assert all(batched.take(event(name)) for name in "bcde")
        assert losses == [("buffered", 1)]
        closing = asyncio.create_task(_passing(clock))
    assert await closing is None and not sent
    assert losses == [("buffered", 1), ("buffered", 4)], "and what cannot be sent before the server stops"


async def _passing(clock: ManualClock) -> None:
    await clock.advance(6.0)


async def test_batches_come_no_faster_than_allowed() -> None:
    clock, sent, losses = ManualClock(), Deliveries(), Losses()
    batched = Batched(sent, BatchConfig(size=1, qps=1.0, burst=2), clock, losses)
    async with batched.running():
        for name in "abcde":
            batched.take(event(name))
        counts = []
        for _ in range(4):
            await clock.advance(0.0)
            counts.append(len(sent))
            await clock.advance(1.0)
        assert counts == [2, 3, 4, 5]


class Deaf:
    """A server that answers after a number of failures."""

    def __init__(self, failures: int):
        self.failures, self.asked, self.bodies = failures, 0, [b""]

    async def request(self, method: str, path: str, *, body: bytes | None = None, **_: Any) -> Response:
        self.asked += 1
        self.bodies.append(body or b"")
        if self.asked > self.failures:
            return Response(200, {}, b"")
        if self.asked % 2:
            raise Unreachable("connection refused")
        return Response(500, {}, b"")


@pytest.mark.parametrize(
    ("failures", "asked", "lost"),
    [pytest.param(3, 4, [], id="comes back"), pytest.param(9, 5, [("webhook", 1)], id="does not")],
)
async def test_a_webhook_is_asked_again(failures: int, asked: int, lost: list[tuple[str, int]]) -> None:
    clock, server, losses = ManualClock(), Deaf(failures), Losses()
    webhook = Webhook(server, 10.0, clock, Random(1), losses)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        group.create_task(webhook.deliver([event("a")]))
        await clock.advance(9.0)
        assert server.asked == 1
        await clock.advance(200.0)
    assert (server.asked, losses) == (asked, lost)
    sent = msgspec.json.decode(server.bodies[-1])
    assert (sent["kind"], sent["apiVersion"], sent["items"][0]["auditID"]) == ("EventList", "audit.k8s.io/v1", "a")
