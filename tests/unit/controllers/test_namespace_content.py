"""A namespace that is deleted: pods first, then the rest, then itself; and what every namespace has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from controlplane.api.codec import encode
from controlplane.api.core_v1 import ConfigMap, Namespace, NamespaceSpec, NamespaceStatus, Pod, ServiceAccount
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resources import RESOURCES
from controlplane.api.status import ServiceUnavailable
from controlplane.client.transport import JSON, Query, Response
from controlplane.controllers.namespace.controller import NamespaceController
from controlplane.controllers.namespace.plan import Findings, render_conditions, seconds_to_next_look
from controlplane.controllers.rootca.controller import RootCaPublisher
from controlplane.controllers.rootca.plan import NAME, plan
from controlplane.controllers.serviceaccount.controller import ServiceAccountController
from tests.unit.controllers.objects import NOW, a_pod, ago, meta
from tests.unit.controllers.world import World

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


class DiscoveringWorld(World):
    """A World whose API says what it serves, and finalizes namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self._request = self.api.request
        self.api.request = self.request  # type: ignore[method-assign]

    async def request(self, method: str, path: str, *, query: Query = (), body: bytes | None = None,
                      content_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:  # fmt: skip
        discovered = _discovery(path)
        if discovered is not None:
            self.api._fail_if_told(method, path)
            return Response(200, {}, encode(discovered))
        answer = await self._request(method, path, query=query, body=body, content_type=content_type, headers=headers)
        namespace = path.removeprefix("/api/v1/namespaces/").removesuffix("/finalize")
        if path.endswith("/finalize"):
            self.api.update(replace(self.namespace(namespace), metadata=ObjectMeta(name=namespace)))
            self.api.remove(Namespace, namespace)
        return answer

    def namespace(self, name: str = "doomed") -> Namespace:
        found = self.api.get(Namespace, name)
        assert found is not None
        return found

    def doom(self, name: str = "doomed") -> None:
        metadata = ObjectMeta(name=name, finalizers=["test/keep"], deletion_timestamp=ago(1))
        self.api.add(Namespace(metadata=metadata, spec=NamespaceSpec(finalizers=["kubernetes"])))


def _discovery(path: str) -> Any:
    groups = sorted({(one.group, one.version) for one in RESOURCES if one.group})
    if path == "/api":
        return {"versions": ["v1"]}
    if path == "/apis":
        return {"groups": [{"name": group, "preferredVersion": {"version": version}} for group, version in groups]}
    for group, version in [("", "v1"), *groups]:
        if path == (f"/apis/{group}/{version}" if group else "/api/v1"):
            found = [one for one in RESOURCES if (one.group, one.version) == (group, version) and one.stored]
            return {"resources": [
                {"name": one.plural, "kind": one.kind, "namespaced": one.namespaced, "verbs": _VERBS} for one in found
            ] + [{"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]}]}  # fmt: skip
    return None


async def test_pods_go_first_then_the_rest_then_the_namespace() -> None:
    world = DiscoveringWorld()
    world.doom()
    world.api.add(a_pod("p", namespace="doomed"))
    world.api.add(ConfigMap(metadata=meta("c", namespace="doomed")))
    world.api.add(ConfigMap(metadata=meta("elsewhere")))
    async with world.running(NamespaceController(world.environment)):
        assert [one.metadata.name for one in world.api.list(ConfigMap)] == ["elsewhere", "c"]
        found = {one.type: one.message for one in world.namespace().status.conditions if one.status == "True"}
        assert found == {"NamespaceContentRemaining": "Some resources are remaining: pods has 1 resource instances"}
        assert world.namespace().status.phase == "Terminating"

        world.api.remove(Pod, "p", "doomed")
        await world.settle(20)
        assert [one.metadata.name for one in world.api.list(ConfigMap)] == ["elsewhere"]
        assert world.api.list(Namespace) == []


async def test_what_a_finalizer_holds_is_named() -> None:
    world = DiscoveringWorld()
    world.doom()
    world.api.add(ConfigMap(metadata=meta("c", namespace="doomed", finalizers=["example.com/hold"])))
    async with world.running(NamespaceController(world.environment)):
        found = {one.type: one.message for one in world.namespace().status.conditions if one.status == "True"}
        assert found["NamespaceFinalizersRemaining"] == (
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        )


async def test_a_group_that_does_not_answer_stops_the_end_and_is_named() -> None:
    world = DiscoveringWorld()
    world.doom()
    world.api.fail(ServiceUnavailable("gone fishing"), path="/apis/apps/v1$", times=1000)
    async with world.running(NamespaceController(world.environment)):
        found = {one.type: one.message for one in world.namespace().status.conditions if one.status == "True"}
        assert "apps/v1: gone fishing" in found["NamespaceDeletionDiscoveryFailure"]
        world.api.heal()
        await world.settle(5)
        assert world.api.list(Namespace) == []


def test_conditions_of_an_empty_namespace_are_all_false() -> None:
    found = render_conditions([], Findings(), NOW)
    assert {one.status for one in found} == {"False"}
    assert {one.reason for one in found} == {
        "ResourcesDiscovered", "ParsedGroupVersions", "ContentDeleted", "ContentRemoved", "ContentHasNoFinalizers",
    }  # fmt: skip
    assert render_conditions(found, Findings(), NOW) == found


@pytest.mark.parametrize(("grace", "expected"), [pytest.param(0, 0.5, id="soon"), pytest.param(30, 16, id="pods end")])
def test_when_to_look_again(grace: int, expected: float) -> None:
    assert seconds_to_next_look(Findings(grace_seconds=grace)) == expected


# What every namespace has


def a_namespace(name: str, phase: str = "Active") -> Namespace:
    return Namespace(metadata=ObjectMeta(name=name), status=NamespaceStatus(phase=phase))


async def test_every_namespace_gets_its_account_and_gets_it_back() -> None:
    world = World()
    world.api.add(a_namespace("one"))
    world.api.add(a_namespace("leaving", "Terminating"))
    async with world.running(ServiceAccountController(world.environment)):
        world.api.add(a_namespace("two"))
        await world.settle()
        assert [one.metadata.namespace for one in world.api.list(ServiceAccount)] == ["one", "two"]
        world.api.remove(ServiceAccount, "default", "one")
        await world.settle()
        assert [one.metadata.namespace for one in world.api.list(ServiceAccount)] == ["one", "two"]


async def test_the_root_ca_is_published_and_edits_are_undone() -> None:
    world = World()
    world.api.add(a_namespace("one"))
    async with world.running(RootCaPublisher(world.environment, "PEM")):
        (found,) = world.api.list(ConfigMap)
        assert (found.metadata.name, found.data) == (NAME, {"ca.crt": "PEM"})
        world.api.update(replace(found, data={"ca.crt": "evil"}))
        await world.settle()
        assert world.api.list(ConfigMap)[0].data == {"ca.crt": "PEM"}
        assert plan("one", "PEM", world.api.list(ConfigMap)[0]) is None
