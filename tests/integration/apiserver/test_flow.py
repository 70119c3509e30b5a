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
from controlplane.auth.interface import User
from controlplane.client.client import PatchType
from controlplane.kit.clock import ManualClock
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


async def test_an_answer_says_which_rule_let_it_through(ask: Asker) -> None:
    schema, level = await _uids(ask, "exempt", "exempt")
    told = await ask("GET", CONFIG_MAPS)
    assert (told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == (schema, level)
    schema, level = await _uids(ask, "global-default", "global-default")
    told = await ask("GET", CONFIG_MAPS, user=User("jane", groups=("system:authenticated",)))
    assert (told.status, told.headers[SCHEMA_UID], told.headers[LEVEL_UID]) == (403, schema, level)
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
        await client.patch(FlowSchema, "exempt", {"spec": {"matchingPrecedence": 77}})
        mine = {"metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}},
                "spec": {"matchingPrecedence": 77}}  # fmt: skip
        await client.patch(FlowSchema, "probes", mine)
        await api.server.cache.fresh()
        await clock.advance(61.0)
        await settled()
        assert (await client.get(PriorityLevelConfiguration, "workload-low")).spec.type == "Limited"
        found = [(await client.get(FlowSchema, name)).spec.matching_precedence for name in ("exempt", "probes")]
        assert found == [1, 77]


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
