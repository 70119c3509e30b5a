"""Probes: counting, gating, and asking over the network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controlplane.api.core_v1 import (
    Container,
    ContainerPort,
    ExecAction,
    HTTPGetAction,
    HTTPHeader,
    Probe,
    TCPSocketAction,
)
from controlplane.kit.clock import ManualClock, SystemClock
from controlplane.kit.tasks import running
from nodeagent.cri.errors import TimedOut
from nodeagent.cri.records import ExecResult
from nodeagent.probes.check import Checker
from nodeagent.probes.grpc_health import decode_status, encode_request
from nodeagent.probes.manager import ProbeManager
from nodeagent.probes.target import http_target
from nodeagent.probes.verdict import Kind, Outcome, Result, Verdict, initial, judge

_GOOD, _BAD = Outcome(True), Outcome(False, "no")


@pytest.mark.parametrize(
    ("kind", "probe", "checks", "expected"),
    [
        pytest.param(Kind.READINESS, Probe(), "", "U", id="not asked yet"),
        pytest.param(Kind.READINESS, Probe(), "+", "S", id="one success is enough"),
        pytest.param(Kind.READINESS, Probe(success_threshold=2), "+", "U", id="unless two are wanted"),
        pytest.param(Kind.READINESS, Probe(success_threshold=2), "++", "S", id="in a row"),
        pytest.param(Kind.READINESS, Probe(success_threshold=2), "+-+", "U", id="not just in all"),
        pytest.param(Kind.READINESS, Probe(), "+--", "S", id="two failures are forgiven"),
        pytest.param(Kind.READINESS, Probe(), "+---", "F", id="three are not"),
        pytest.param(Kind.READINESS, Probe(), "+---+", "S", id="and it may recover"),
        pytest.param(Kind.LIVENESS, Probe(), "", "S", id="alive until shown otherwise"),
        pytest.param(Kind.LIVENESS, Probe(failure_threshold=1), "-", "F", id="a threshold of one"),
        pytest.param(Kind.STARTUP, Probe(failure_threshold=30), "-" * 29, "U", id="still starting"),
    ],
)
def test_judge(kind: Kind, probe: Probe, checks: str, expected: str) -> None:
    verdict = initial(kind)
    for sign in checks:
        verdict = judge(probe, verdict, _GOOD if sign == "+" else _BAD)
    assert verdict.result.name[0] == expected


def test_judge_counts_in_a_row() -> None:
    assert judge(Probe(), Verdict(Result.SUCCESS, 4, 0), _BAD) == Verdict(Result.SUCCESS, 0, 1)


@dataclass
class _Answers:
    """Plays the container: what it answers can be changed at any time."""

    good: bool = True
    asked: list[str] = field(default_factory=list)

    async def check(self, probe: Probe, container: Container, container_id: str, pod_ip: str) -> Outcome:
        self.asked.append("startup" if probe is container.startup_probe else "other")
        return _GOOD if self.good else _BAD


@dataclass
class _Heard:
    verdicts: list[tuple[Kind, Result]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    checks: list[tuple[Kind, bool]] = field(default_factory=list)

    def probed(self, container: Container, kind: Kind, success: bool, seconds: float) -> None:
        self.checks.append((kind, success))

    def probe_failed(self, container: Container, kind: Kind, output: str) -> None:
        self.failures.append(f"{kind.value} probe failed: {output}")

    def probe_verdict(self, container: Container, container_id: str, kind: Kind, result: Result) -> None:
        self.verdicts.append((kind, result))


async def test_readiness_is_asked_at_once() -> None:
    clock, answers, heard = ManualClock(), _Answers(), _Heard()
    manager = ProbeManager(answers, clock)
    async with running(manager.run()):
        await asyncio.sleep(0)
        manager.start(Container(name="c", readiness_probe=Probe(period_seconds=10)), "id", "", heard)
        await clock.advance(0)
        assert heard.verdicts == [(Kind.READINESS, Result.SUCCESS)]
        answers.good = False
        await clock.advance(30)
        assert heard.verdicts[1:] == [(Kind.READINESS, Result.FAILURE)]
        assert heard.failures == ["Readiness probe failed: no"] * 3
        assert heard.checks == [(Kind.READINESS, True), *[(Kind.READINESS, False)] * 3]


async def test_the_others_wait_for_the_startup_probe() -> None:
    clock, answers, heard = ManualClock(), _Answers(good=False), _Heard()
    manager = ProbeManager(answers, clock)
    startup = Probe(period_seconds=1, failure_threshold=9)
    container = Container(name="c", startup_probe=startup, liveness_probe=Probe(period_seconds=1))
    async with running(manager.run()):
        await asyncio.sleep(0)
        manager.start(container, "id", "", heard)
        await clock.advance(5)
        assert set(answers.asked) == {"startup"}
        answers.good = True
        await clock.advance(1)
        assert heard.verdicts == [(Kind.STARTUP, Result.SUCCESS)]
        assert answers.asked[-1] == "other"


async def test_the_initial_delay_counts_from_the_start_of_the_container() -> None:
    clock, answers, heard = ManualClock(), _Answers(), _Heard()
    manager = ProbeManager(answers, clock)
    async with running(manager.run()):
        await asyncio.sleep(0)
        manager.start(Container(name="c", readiness_probe=Probe(initial_delay_seconds=8)), "id", "", heard, age=5)
        await clock.advance(2)
        assert not answers.asked
        await clock.advance(1)
        assert answers.asked


async def test_a_container_that_is_to_end_is_asked_only_whether_it_is_ready() -> None:
    clock, answers, heard = ManualClock(), _Answers(), _Heard()
    manager, often = ProbeManager(answers, clock), Probe(period_seconds=1, failure_threshold=1)
    async with running(manager.run()):
        await asyncio.sleep(0)
        manager.start(Container(name="c", liveness_probe=often, readiness_probe=often), "id", "", heard)
        await clock.advance(0)
        manager.only_readiness("id")
        manager.only_readiness("unknown")
        answers.good = False
        await clock.advance(1)
        assert heard.verdicts[1:] == [(Kind.READINESS, Result.FAILURE)]


async def test_a_stopped_container_is_not_asked() -> None:
    clock, answers, heard = ManualClock(), _Answers(), _Heard()
    manager = ProbeManager(answers, clock)
    async with running(manager.run()):
        await asyncio.sleep(0)
        manager.start(Container(name="c", liveness_probe=Probe(period_seconds=1)), "id", "", heard)
        await clock.advance(0)
        manager.stop("id")
        await clock.advance(10)
        assert len(answers.asked) == 1


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(HTTPGetAction(port=80), "http://10.0.0.1:80/", id="by number"),
        pytest.param(HTTPGetAction(port="web", path="x?y=1"), "http://10.0.0.1:8080/x?y=1", id="by name"),
        pytest.param(HTTPGetAction(port=1, scheme="HTTPS", host="h"), "https://h:1/", id="elsewhere"),
    ],
)
def test_http_target(action: HTTPGetAction, expected: str) -> None:
    container = Container(name="c", ports=[ContainerPort(name="web", container_port=8080)])
    assert http_target(action, container, "10.0.0.1")[0] == expected


def test_headers_can_be_replaced_and_left_out() -> None:
    headers = [HTTPHeader(name="accept", value=""), HTTPHeader(name="X", value="1")]
    assert http_target(HTTPGetAction(port=1, http_headers=headers), Container(), "h")[1] == [
        ("X", "1"),
        ("User-Agent", "kube-probe/1.37"),
    ]


class _Shell:
    """Plays the runtime's exec."""

    async def exec_sync(self, container_id: str, command: list[str], timeout: float = 0) -> ExecResult:
        match command[0]:
            case "hang":
                raise TimedOut("deadline")
            case "fail":
                return ExecResult(1, b"out ", b"err")
        return ExecResult(0, b"fine")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("fine", Outcome(True, "fine")),
        ("fail", Outcome(False, "out err")),
        ("hang", Outcome(False, 'command timed out: "hang" timed out after 1s')),
    ],
)
async def test_commands(command: str, expected: Outcome) -> None:
    checker = Checker(_Shell(), SystemClock())
    assert await checker.check(Probe(exec=ExecAction(command=[command])), Container(), "id", "") == expected


async def _answer(request: web.Request) -> web.Response:
    return web.Response(status=int(request.path[1:]), headers={"Location": "/200"}, text="body")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/200", Outcome(True, "body")),
        ("/302", Outcome(True, "body")),
        ("/404", Outcome(False, "HTTP probe failed with statuscode: 404")),
        ("/500", Outcome(False, "HTTP probe failed with statuscode: 500")),
    ],
)
async def test_http(path: str, expected: Outcome) -> None:
    application = web.Application()
    application.router.add_get("/{code}", _answer)
    async with TestServer(application) as server:
        checker = Checker(_Shell(), SystemClock())
        probe = Probe(http_get=HTTPGetAction(port=server.port, path=path))
        assert await checker.check(probe, Container(), "id", "127.0.0.1") == expected
        await checker.close()


async def test_nobody_listens() -> None:
    checker = Checker(_Shell(), SystemClock())
    probes = (Probe(http_get=HTTPGetAction(port=1)), Probe(tcp_socket=TCPSocketAction(port=1)))
    outcomes = [await checker.check(probe, Container(), "id", "127.0.0.1") for probe in probes]
    await checker.close()
    refused = "dial tcp 127.0.0.1:1: connect: connection refused"
    assert [one.output for one in outcomes] == [f'Get "http://127.0.0.1:1/": {refused}', refused]


async def test_tcp() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        probe = Probe(tcp_socket=TCPSocketAction(port=port))
        outcome = await Checker(_Shell(), SystemClock()).check(probe, Container(), "id", "127.0.0.1")
    assert outcome.success


def test_grpc_messages() -> None:
    assert encode_request("") == b""
    assert encode_request("web") == b"\x0a\x03web"
    assert encode_request("x" * 200)[:3] == b"\x0a\xc8\x01"
    assert (decode_status(b"\x08\x01"), decode_status(b"")) == (1, 0)
