"""What the audit log says of requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from multidict import CIMultiDict

from controlplane.apiserver.audit import AuditSettings, load_policy
from controlplane.apiserver.audit.batch import BatchConfig
from controlplane.apiserver.audit.log import LogSettings
from controlplane.apiserver.audit.webhook import WebhookSettings
from controlplane.apiserver.messages import Peer, Query, Request, Response, Stream
from controlplane.auth.interface import User
from controlplane.client.kubeconfig import Connection
from controlplane.testing import MemoryApi, https_api, memory_api
from controlplane.testing.memory import default_settings

from .conftest import Asker, Document
from .test_kubectl import kubectl

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
JANE = User("jane", groups=("dev", "system:authenticated"), extra={"team": ("shop",)})
# What the server asks of itself at its start is of no interest here.
MINE = '{level: %s, namespaces: ["default"], resources: [{resources: ["*"]}]}'


@dataclass(frozen=True)
class Audited:
    api: MemoryApi
    file: Path

    @property
    def ask(self) -> Asker:
        return Asker(self.api)

    def events(self) -> list[Document]:
        """Return what was told since the last call."""
        lines = self.file.read_bytes().splitlines()
        self.file.write_bytes(b"")
        return [msgspec.json.decode(line) for line in lines]


@asynccontextmanager
async def audited(tmp_path: Path, rules: str, more: str = "", **settings: Any) -> AsyncIterator[Audited]:
    policy = load_policy(f"apiVersion: audit.k8s.io/v1\nkind: Policy\n{more}rules: [{rules}]\n".encode())
    log = LogSettings(str(tmp_path / "audit.log"), **settings)
    async with memory_api(settings=replace(default_settings(), audit=AuditSettings(policy, (log,)))) as api:
        found = Audited(api, Path(log.path))
        found.events()
        yield found


def config_map(name: str = "a", **data: str) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_metadata_says_who_did_what_and_what_came_of_it(tmp_path: Path) -> None:
    async with audited(tmp_path, MINE % "Metadata") as server:
        await server.ask("POST", f"{CONFIG_MAPS}?fieldManager=x", config_map(), user=JANE)
        received, complete = server.events()
        common = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "verb": "create",
            "requestURI": f"{CONFIG_MAPS}?fieldManager=x", "sourceIPs": ["127.0.0.1"],
            "user": {"username": "jane", "groups": ["dev", "system:authenticated"], "extra": {"team": ["shop"]}},
        }  # fmt: skip
        for one, stage in ((received, "RequestReceived"), (complete, "ResponseComplete")):
            assert common.items() <= one.items() and one["stage"] == stage
        assert received["auditID"] == complete["auditID"]
        assert received["stageTimestamp"] == received["requestReceivedTimestamp"] <= complete["stageTimestamp"]
        reference = {"resource": "configmaps", "namespace": "default", "apiVersion": "v1"}
        assert received["objectRef"] == reference
        assert "responseStatus" not in received and "annotations" not in received
        assert complete["responseStatus"]["code"] == 403 and complete["responseStatus"]["reason"] == "Forbidden"
        assert complete["annotations"]["authorization.k8s.io/decision"] == "forbid"

        told = await server.ask("POST", CONFIG_MAPS, config_map())
        assert (told.status, told.headers["Audit-Id"]) == (201, server.events()[1]["auditID"])
        await server.ask("PUT", f"{CONFIG_MAPS}/a", told.body | {"data": {"b": "c"}})
        (complete,) = [one for one in server.events() if one["stage"] == "ResponseComplete"]
        metadata = told.body["metadata"]
        assert complete["objectRef"] == reference | {
            "name": "a", "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
        }  # fmt: skip
        assert complete["responseStatus"] == {"metadata": {}, "code": 200}
        assert complete["annotations"] == {
            "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "",
        }  # fmt: skip
        assert "requestObject" not in complete and "responseObject" not in complete


async def test_bodies_are_told_by_level(tmp_path: Path) -> None:
    rules = f"{{level: Request, verbs: [create, patch], resources: [{{}}]}}, {MINE % 'RequestResponse'}"
    async with audited(tmp_path, rules, "omitStages: [RequestReceived]\nomitManagedFields: true\n") as server:
        await server.ask("POST", CONFIG_MAPS, config_map(b="c"))
        (created,) = server.events()
        assert (created["level"], created["requestObject"]["data"]) == ("Request", {"b": "c"})
        assert created["objectRef"]["name"] == "a" and "responseObject" not in created

        patch = b'[{"op":"add","path":"/data/d","value":"e"}]'
        await server.ask("PATCH", f"{CONFIG_MAPS}/a", patch, content_type="application/json-patch+json")
        assert server.events()[0]["requestObject"] == [{"op": "add", "path": "/data/d", "value": "e"}]
        await server.ask("PATCH", f"{CONFIG_MAPS}/a?fieldManager=m", b"apiVersion: v1\nkind: ConfigMap\n",
                         content_type="application/apply-patch+yaml")  # fmt: skip
        assert server.events()[0]["requestObject"] == {"apiVersion": "v1", "kind": "ConfigMap"}

        await server.ask("GET", f"{CONFIG_MAPS}/a")
        await server.ask("GET", CONFIG_MAPS)
        await server.ask("DELETE", f"{CONFIG_MAPS}/a", {"kind": "DeleteOptions", "apiVersion": "v1"})
        got, listed, deleted = server.events()
        assert got["responseObject"]["data"] == {"b": "c", "d": "e"}
        assert "managedFields" not in got["responseObject"]["metadata"]
        assert [one["metadata"]["name"] for one in listed["responseObject"]["items"]] == ["a"]
        assert "managedFields" not in listed["responseObject"]["items"][0]["metadata"]
        assert deleted["requestObject"] == {"kind": "DeleteOptions", "apiVersion": "v1"}
        assert (deleted["responseStatus"]["status"], deleted["responseStatus"]["code"]) == ("Success", 200)
        assert deleted["responseStatus"]["details"]["name"] == "a"


async def test_a_list_that_is_sent_in_pieces_is_told_whole(tmp_path: Path) -> None:
    async with audited(tmp_path, MINE % "RequestResponse", "omitStages: [RequestReceived]\n") as server:
        for number in range(4):
            await server.ask("POST", CONFIG_MAPS, config_map(f"c{number}", text="x" * 100_000))
        server.events()
        told = await server.ask("GET", CONFIG_MAPS)
        (event,) = server.events()
        assert event["responseObject"] == told.body and len(told.body["items"]) >= 4


async def test_a_watch_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    async with audited(tmp_path, MINE % "RequestResponse") as server:

        async def read() -> bytes:
            return b""

        admin = User("admin", groups=("system:masters",))
        request = Request("GET", CONFIG_MAPS, Query("watch=1"), CIMultiDict(), read, Peer(user=admin))
        answer = await server.api.server.pipeline.handle(request)
        assert isinstance(answer, Stream) and answer.on_end is not None
        assert [one["stage"] for one in server.events()] == ["RequestReceived", "ResponseStarted"]
        answer.on_end()
        (complete,) = server.events()
        assert (complete["stage"], complete["responseStatus"]) == ("ResponseComplete", {"metadata": {}, "code": 200})
        assert "responseObject" not in complete


async def test_paths_and_strangers(tmp_path: Path) -> None:
    rules = "{level: Metadata, nonResourceURLs: ['/livez*']}, {level: Request, resources: [{}], users: ['']}"
    rules = f"{rules}, {{level: Metadata, namespaces: ['default']}}"
    async with audited(tmp_path, rules, "omitStages: [RequestReceived]\n") as server:
        await server.ask("GET", "/livez?verbose=")
        await server.ask("GET", "/readyz")
        (event,) = server.events()
        assert (event["verb"], event["requestURI"]) == ("get", "/livez?verbose=") and "objectRef" not in event

        async def read() -> bytes:
            return b""

        headers = CIMultiDict({"Authorization": "Bearer wrong", "Audit-Id": "mine", "User-Agent": "x" * 2000})
        request = Request("GET", CONFIG_MAPS, Query(""), headers, read, Peer(address="10.0.0.1"))
        answer = await server.api.server.pipeline.handle(request)
        assert isinstance(answer, Response) and (answer.status, answer.headers["Audit-Id"]) == (401, "mine")
        (event,) = server.events()
        assert event["stage"] == "ResponseStarted" and event["user"] == {} and event["auditID"] == "mine"
        assert event["responseStatus"] == {
            "metadata": {}, "message": "Authentication failed, attempted: bearer", "code": 401,
        }  # fmt: skip
        assert event["sourceIPs"] == ["10.0.0.1"] and event["userAgent"] == "x" * 1024 + "...TRUNCATED"


async def test_a_request_that_cannot_be_logged_is_not_answered_if_that_is_wanted(tmp_path: Path) -> None:
    rules = MINE % "Metadata"
    async with audited(tmp_path, rules, mode="blocking-strict") as server:
        assert (await server.ask("POST", CONFIG_MAPS, config_map())).status == 201
        assert server.api.server.auditor is not None
        (sink,) = server.api.server.auditor._sinks

        class Full:
            def write(self, lines: bytes) -> None:
                raise OSError(28, "No space left on device")

            def close(self) -> None:
                pass

        before, sink._writer._out = sink._writer._out, Full()  # type: ignore[attr-defined]
        told = await server.ask("DELETE", f"{CONFIG_MAPS}/a")
        sink._writer._out = before  # type: ignore[attr-defined]
        assert (told.status, told.message) == (500, "Internal error occurred: failed to store audit event")
        assert (await server.ask("GET", f"{CONFIG_MAPS}/a")).status == 200
        shown = (await server.ask("GET", "/metrics")).body
        assert "apiserver_audit_requests_rejected_total 1.0" in shown
        assert 'apiserver_audit_error_total{plugin="log"} 1.0' in shown
        assert 'apiserver_audit_level_total{level="Metadata"}' in shown and "\napiserver_audit_event_total " in shown


async def test_a_server_that_fails_to_answer_says_so(tmp_path: Path) -> None:
    async with audited(tmp_path, MINE % "Metadata") as server:

        async def read() -> bytes:
            raise ZeroDivisionError("bad luck")

        admin = User("admin", groups=("system:masters",))
        request = Request("POST", CONFIG_MAPS, Query(""), CIMultiDict(), read, Peer(user=admin))
        answer = await server.api.server.pipeline.handle(request)
        assert isinstance(answer, Response) and answer.status == 500
        received, panic = server.events()
        assert (received["stage"], panic["stage"]) == ("RequestReceived", "Panic")
        assert panic["responseStatus"]["message"] == "APIServer panic'd: bad luck"


async def test_a_webhook_gets_events_in_batches(tmp_path: Path) -> None:
    got: list[Document] = []
    arrived = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        arrived.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/audit", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        policy = load_policy(
            f"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{MINE % 'Metadata'}, {{level: None}}]".encode()
        )
        webhook = WebhookSettings(Connection(f"http://127.0.0.1:{port}/audit"), batch=BatchConfig(size=2))
        settings = replace(default_settings(), audit=AuditSettings(policy, (webhook,)))
        async with memory_api(settings=settings) as api:
            arrived.clear()
            got.clear()
            await Asker(api)("POST", CONFIG_MAPS, config_map(), user=JANE)
            async with asyncio.timeout(10):
                await arrived.wait()
    finally:
        await runner.cleanup()
    events = [one for batch in got for one in batch["items"]]
    assert got[0]["kind"] == "EventList"
    assert [one["stage"] for one in events if one["user"]["username"] == "jane"] == [
        "RequestReceived", "ResponseComplete",
    ]  # fmt: skip


async def test_kubectl_as_somebody_else(tmp_path: Path) -> None:
    policy = load_policy(
        b"apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
        b"rules: [{level: Metadata, resources: [{resources: [configmaps]}]}]"
    )
    log = LogSettings(str(tmp_path / "audit.log"))
    settings = replace(default_settings(), audit=AuditSettings(policy, (log,)))
    async with https_api(tmp_path, settings=settings) as api:
        (tmp_path / "audit.log").write_bytes(b"")
        await kubectl(api, "--as", "jane", "--as-group", "dev", "get", "configmaps")
        events = [msgspec.json.decode(line) for line in (tmp_path / "audit.log").read_bytes().splitlines()]
    event = events[-1]
    assert event["user"]["username"] == "admin" and event["sourceIPs"] == ["127.0.0.1"]
    assert event["impersonatedUser"] == {"username": "jane", "groups": ["dev", "system:authenticated"]}
    assert event["userAgent"].startswith("kubectl/") and event["responseStatus"]["code"] == 403


@pytest.mark.parametrize("format_", ["json", "legacy"])
async def test_a_log_may_be_written_in_batches(tmp_path: Path, format_: str) -> None:
    rules = MINE % "Metadata"
    async with audited(tmp_path, rules, mode="batch", format=format_, batch=BatchConfig(size=100, qps=0)) as server:
        await server.ask("GET", CONFIG_MAPS)
    lines = server.file.read_text().splitlines()
    assert sum(f'{CONFIG_MAPS}"' in line for line in lines) == 2, "what was not written is written at the end"
