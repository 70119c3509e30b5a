"""Priority and fairness in the pipeline: who is let in while somebody else asks for everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from controlplane.api.coordination_v1 import Lease, LeaseSpec
from controlplane.api.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.messages import Answer, Peer, Query, Request, Response, Stream
from controlplane.apiserver.server import ApiServer
from controlplane.auth.interface import User
from controlplane.client.client import PatchType
from controlplane.kit.clock import ManualClock, SystemClock
from controlplane.store.memory import MemoryStore
from controlplane.testing import MemoryApi, memory_api
from controlplane.testing.memory import default_settings

from .conftest import Asker

CRAWLER = User("system:serviceaccount:shop:crawler", groups=("system:serviceaccounts", "system:authenticated"))
SHOP = User("system:serviceaccount:shop:web", groups=("system:serviceaccounts", "system:authenticated"))
MANAGER = User("system:kube-controller-manager", groups=("system:authenticated",))
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/lock"
SCHEMA_UID, LEVEL_UID = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"


@asynccontextmanager
async def small_api(seats: int = 49, **clock: Any) -> AsyncIterator[MemoryApi]:
    """Serve with so few seats that a test can take them all; everybody may do everything."""
    settings = default_settings()
    security = replace(settings.security, authorization_modes=("AlwaysAllow",))
    settings = replace(settings, security=security, max_reads=seats, max_writes=0)
    async with memory_api(random=Random(7), settings=settings, **clock) as api:
        await settled()  # the conditions of the bootstrap objects are written
        assert api.server.flow is not None
        api.server.flow.refresh()
        yield api


@dataclass
class Slow:
    """Writes whose bodies arrive when the test says so: each holds its seat until then."""

    api: MemoryApi
    user: User
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    reading: int = 0  # requests that have their seats, and wait for their bodies

    async def create(self, name: str) -> Answer:
        async def read() -> bytes:
            self.reading += 1
            await self.arrived.wait()
            return msgspec.json.encode({"metadata": {"name": name}})

        return await self.api.server.pipeline.handle(
            Request("POST", CONFIG_MAPS, Query(""), CIMultiDict(), read, Peer(user=self.user))
        )

    def create_many(self, group: asyncio.TaskGroup, count: int) -> list[asyncio.Task[Answer]]:
        return [group.create_task(self.create(f"{self.user.name[-3:]}-{number}")) for number in range(count)]


async def settled() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_noisy_client_does_not_hold_up_leases_controllers_or_its_neighbours() -> None:
    async with small_api() as api:
        await api.client().create(
            Lease(metadata=ObjectMeta(name="lock", namespace="kube-system"), spec=LeaseSpec(holder_identity="m"))
        )
        crawler, shop = Slow(api, CRAWLER), Slow(api, SHOP)
        async with asyncio.TaskGroup() as group:
            noise = crawler.create_many(group, 1000)
            await settled()
            held, level = crawler.reading, api.server.flow.levels["workload-low"]  # type: ignore[union-attr]
            refused = [task.result() for task in noise if task.done()]
            assert held == level.limit > 0
            assert len(refused) == 1000 - held - 6 * 50, "its hand of six queues is full"
            assert {one.status for one in refused if isinstance(one, Response)} == {429}

            manager = Asker(api)
            lease = (await manager("GET", LEASE, user=MANAGER)).body
            assert (await manager("PUT", LEASE, lease, user=MANAGER)).status == 200
            assert (await manager("GET", CONFIG_MAPS, user=MANAGER)).status == 200

            neighbour = shop.create_many(group, 1)[0]
            await settled()
            assert not shop.reading, "no seat is free"
            shop.arrived.set()
            crawler.arrived.set()
            assert (await neighbour).status == 201  # type: ignore[union-attr]
            assert sum(not task.done() for task in noise) > 150, "it did not wait for those in front of it"
        assert crawler.reading == held + 300
        assert api.server.flow is not None
        assert all(level.queues.idle for level in api.server.flow.levels.values())


async def test_what_waits_too_long_is_told_to_come_again() -> None:
    clock = ManualClock()
    async with small_api(clock=clock) as api:
        crawler = Slow(api, CRAWLER)
        async with asyncio.TaskGroup() as group:
            level = api.server.flow.levels["workload-low"]  # type: ignore[union-attr]
            requests = crawler.create_many(group, 120)
            await settled()
            before = crawler.reading
            await clock.advance(14.0)
            assert before < crawler.reading == level.limit < 120, "idle levels have lent it seats"
            assert not any(task.done() for task in requests)
            await clock.advance(2.0)  # a quarter of the minute that a request may take
            late, *others = [task.result() for task in requests if task.done()]
            assert len(others) + 1 == 120 - level.limit
            assert isinstance(late, Response) and late.status == 429
            assert late.body == b"Too many requests, please try again later.\n"
            assert late.content_type == "text/plain; charset=utf-8" and late.headers["Retry-After"] == "1"
            assert late.headers["X-Kubernetes-Pf-Flowschema-Uid"]
            crawler.arrived.set()
        shown = (await Asker(api)("GET", "/metrics")).body
        labels = 'flow_schema="service-accounts",priority_level="workload-low"'
        assert (
            f'apiserver_flowcontrol_rejected_requests_total{{{labels},reason="time-out"}} {len(others) + 1}.0'
            in _sorted(shown)
        )


async def test_what_is_going_on_can_be_looked_at() -> None:
    async with small_api() as api:
        ask, crawler = Asker(api), Slow(api, CRAWLER)
        level = api.server.flow.levels["workload-low"]  # type: ignore[union-attr]
        async with asyncio.TaskGroup() as group:
            crawler.create_many(group, level.limit + 2)
            await settled()
            root = "/debug/api_priority_and_fairness"
            levels = _table((await ask("GET", f"{root}/dump_priority_levels")).body)
            assert len(levels) == 9
            row = levels[-1]
            assert row[:1] + row[2:7] == ["workload-low", "false", "false", "2", str(level.limit), str(level.limit)]
            queues = _table((await ask("GET", f"{root}/dump_queues")).body)
            assert sum(int(one[2]) for one in queues[1:] if one[0] == "workload-low") == 2
            requests = _table((await ask("GET", f"{root}/dump_requests", includeRequestDetails="1")).body)
            mine = [one for one in requests if one[1] == "service-accounts"]
            assert len(mine) == level.limit + 2 and sum(one[9] == "0001-01-01T00:00:00Z" for one in mine) == 2
            assert mine[0][10:] == [CRAWLER.name, "create", CONFIG_MAPS, "default", "", "v1", "configmaps", ""]
            assert (await ask("GET", f"{root}/dump_everything")).status == 404
            crawler.arrived.set()


def _table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]


async def test_whoever_goes_leaves_the_queue() -> None:
    async with small_api() as api:
        crawler = Slow(api, CRAWLER)
        level = api.server.flow.levels["workload-low"]  # type: ignore[union-attr]
        async with asyncio.TaskGroup() as group:
            requests = crawler.create_many(group, level.limit + 5)
            await settled()
            assert level.queues.waiting == 5
            for task in requests:
                task.cancel()
            await settled()
        assert level.queues.idle


async def test_a_watch_holds_its_seat_until_it_has_sent_what_was_there() -> None:
    async with small_api() as api:
        assert api.server.flow is not None
        level = api.server.flow.levels["workload-low"]
        read = Slow(api, SHOP).create  # never asked for a body
        request = Request("GET", CONFIG_MAPS, Query("watch=1"), CIMultiDict(), read, Peer(user=SHOP))  # type: ignore[arg-type]
        answer = await api.server.pipeline.handle(request)
        assert isinstance(answer, Stream) and level.queues.executing == 1
        assert await anext(answer.chunks) == b""
        following = asyncio.ensure_future(anext(answer.chunks))
        await settled()
        assert level.queues.idle
        following.cancel()
        assert answer.on_end is not None
        answer.on_end()
        assert level.queues.idle


# --- objects


async def test_every_cluster_has_the_default_levels_and_schemas(ask: Asker) -> None:
    group = "/apis/flowcontrol.apiserver.k8s.io/v1"
    levels = (await ask("GET", f"{group}/prioritylevelconfigurations")).body["items"]
    assert [one["metadata"]["name"] for one in levels] == [
        "catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high",
        "workload-low",
    ]  # fmt: skip
    schemas = (await ask("GET", f"{group}/flowschemas")).body["items"]
    assert len(schemas) == 11
    assert {one["metadata"]["annotations"]["apf.kubernetes.io/autoupdate-spec"] for one in schemas} == {"true"}
    for one in schemas:
        managers = {entry["manager"] for entry in one["metadata"]["managedFields"]}
        assert "api-priority-and-fairness-config-producer-v1" in managers


async def test_metrics_show_seats_and_requests(ask: Asker) -> None:
    jane = User("jane", groups=("system:authenticated",))
    for _ in range(3):
        await ask("GET", CONFIG_MAPS, user=jane)
    shown = _sorted((await ask("GET", "/metrics")).body)
    flow = 'flow_schema="global-default",priority_level="global-default"'
    for line in (
        'nominal_limit_seats{priority_level="workload-low"} 245.0',
        'lower_limit_seats{priority_level="leader-election"} 25.0',
        'upper_limit_seats{priority_level="exempt"} 600.0',
        f"dispatched_requests_total{{{flow}}} 3.0",
        f"current_inqueue_requests{{{flow}}} 0.0",
        f"current_executing_seats{{{flow}}} 0.0",
        f'request_wait_duration_seconds_count{{execute="true",{flow}}} 3.0',
        f'request_execution_seconds_count{{{flow},type="regular"}} 3.0',
        f"work_estimated_seats_sum{{{flow}}} 3.0",
    ):
        assert f"apiserver_flowcontrol_{line}" in shown
    assert 'current_executing_requests{flow_schema="exempt",priority_level="exempt"} 1.0' in shown, "this very request"


async def test_an_answer_says_which_rule_let_it_through(ask: Asker) -> None:
    schema, level = await _uids(ask, "exempt", "exempt")
    told = await ask("GET", CONFIG_MAPS)
    assert (told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == (schema, level)
    schema, level = await _uids(ask, "global-default", "global-default")
    told = await ask("GET", CONFIG_MAPS, user=User("jane", groups=("system:authenticated",)))
    assert (told.status, told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == (403, schema, level)
    told = await ask("GET", CONFIG_MAPS, user=User("odd"))
    assert (told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == await _uids(ask, "catch-all", "catch-all")
    log = await ask("GET", "/api/v1/namespaces/default/pods/none/log")
    assert SCHEMA_UID not in log.headers, "what may last as long as it likes has no seat"


async def test_a_schema_of_ones_own_is_obeyed_at_once(api: MemoryApi, ask: Asker) -> None:
    jane = User("jane", groups=("system:authenticated",))
    await ask("POST", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", {
        "metadata": {"name": "mine"},
        "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}},
    })  # fmt: skip
    schema = {
        "metadata": {"name": "mine"},
        "spec": {
            "matchingPrecedence": 50,
            "priorityLevelConfiguration": {"name": "mine"},
            "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "jane"}}],
                "resourceRules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"],
                                   "namespaces": ["*"]}],
            }],
        },
    }  # fmt: skip
    assert (await ask("POST", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", schema)).status == 201
    await api.server.cache.fresh()
    uid, level = await _uids(ask, "mine", "mine")
    told = await ask("GET", CONFIG_MAPS, user=jane)
    assert (told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == (uid, level)
    other = await ask("GET", "/api/v1/namespaces/default/secrets", user=jane)
    assert other.headers[SCHEMA_UID] != uid


async def test_a_schema_says_whether_its_level_exists(api: MemoryApi) -> None:
    client = api.client()
    assert [await _dangling(api, name) for name in ("exempt", "probes")] == [("False", "Found")] * 2
    spec = {"priorityLevelConfiguration": {"name": "missing"}, "matchingPrecedence": 60, "rules": []}
    await client.request("POST", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", body=msgspec.json.encode(
        {"metadata": {"name": "lost"}, "spec": spec}
    ))  # fmt: skip
    assert await _dangling(api, "lost") == ("True", "NotFound")
    schema = await client.get(FlowSchema, "lost")
    assert schema.status.conditions[0].message == (
        'This FlowSchema references the PriorityLevelConfiguration object named "missing" but there is no such object'
    )
    patch = {"spec": {"priorityLevelConfiguration": {"name": "workload-low"}}}
    await client.patch(FlowSchema, "lost", patch, kind=PatchType.MERGE)
    assert await _dangling(api, "lost") == ("False", "Found")


async def test_bootstrap_objects_are_kept() -> None:
    clock = ManualClock()
    async with memory_api(clock=clock) as api:
        client = api.client()
        await client.delete(PriorityLevelConfiguration, "workload-low")
        await client.delete(FlowSchema, "exempt")
        changed: dict[str, Any] = {"spec": {"matchingPrecedence": 77}}
        await client.patch(FlowSchema, "service-accounts", changed)
        changed["metadata"] = {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}
        await client.patch(FlowSchema, "probes", changed)
        await api.server.cache.fresh()
        await clock.advance(61.0)
        await settled()
        assert (await client.get(PriorityLevelConfiguration, "workload-low")).spec.type == "Limited"
        names = ("exempt", "service-accounts", "probes")
        assert [(await client.get(FlowSchema, name)).spec.matching_precedence for name in names] == [1, 9000, 77]


async def test_a_server_that_starts_again_changes_nothing() -> None:
    clock, settings, seen = SystemClock(), default_settings(), []
    async with MemoryStore.open(clock) as store:
        for _ in range(2):
            async with ApiServer.running(store, settings, clock, Random(3)) as server:
                await settled()
                flow = [*server.reader.list(FlowSchema), *server.reader.list(PriorityLevelConfiguration)]
                seen.append([one.metadata.resource_version for one in flow])
    assert seen[0] == seen[1] and len(seen[0]) == 19


async def test_without_priority_and_fairness_requests_are_only_counted() -> None:
    settings = replace(default_settings(), priority_and_fairness=False, max_writes=2)
    settings = replace(settings, security=replace(settings.security, authorization_modes=("AlwaysAllow",)))
    async with memory_api(settings=settings) as api:
        ask, slow = Asker(api), Slow(api, SHOP)
        async with asyncio.TaskGroup() as group:
            slow.create_many(group, 2)
            await settled()
            told = await ask("POST", CONFIG_MAPS, {"metadata": {"name": "a"}}, user=SHOP)
            assert (told.status, told.headers["Retry-After"]) == (429, "1")
            assert told.body == "Too many requests, please try again later.\n"
            assert (await ask("GET", CONFIG_MAPS, user=SHOP)).status == 200
            slow.arrived.set()
        assert (await ask("GET", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas")).body["items"] == []


@pytest.mark.parametrize(
    ("timeout", "status", "message"),
    [
        pytest.param("10ms", 504, "Timeout: request did not complete within the allotted timeout", id="too late"),
        pytest.param("soon", 400, 'invalid timeout specified in the request URL - time: invalid duration "soon"',
                     id="no duration"),
    ],
)  # fmt: skip
async def test_a_request_may_say_how_long_it_waits(timeout: str, status: int, message: str) -> None:
    async with small_api() as api:
        slow = Slow(api, SHOP)

        async def read() -> bytes:
            await slow.arrived.wait()
            return b""

        request = Request("POST", CONFIG_MAPS, Query(f"timeout={timeout}"), CIMultiDict(), read, Peer(user=SHOP))
        answer = await api.server.pipeline.handle(request)
        assert isinstance(answer, Response) and answer.status == status
        assert msgspec.json.decode(answer.body)["message"] == message
        assert api.server.flow is not None
        assert all(level.queues.idle for level in api.server.flow.levels.values())


async def _uids(ask: Asker, schema: str, level: str) -> tuple[str, str]:
    group = "/apis/flowcontrol.apiserver.k8s.io/v1"
    found = [await ask("GET", f"{group}/{path}") for path in (f"flowschemas/{schema}",
                                                             f"prioritylevelconfigurations/{level}")]  # fmt: skip
    first, second = (one.body["metadata"]["uid"] for one in found)
    return first, second


async def _dangling(api: MemoryApi, name: str) -> tuple[str, str]:
    await settled()
    conditions = (await api.client().get(FlowSchema, name)).status.conditions
    return conditions[0].status, conditions[0].reason


def _sorted(metrics: str) -> str:
    """Return metrics with the labels of each in order."""
    lines = []
    for line in metrics.splitlines():
        name, brace, rest = line.partition("{")
        labels, _, value = rest.partition("}")
        lines.append(f"{name}{{{','.join(sorted(labels.split(',')))}}}{value}" if brace else line)
    return "\n".join(lines)
