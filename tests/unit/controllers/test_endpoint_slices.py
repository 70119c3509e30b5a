"""From a Service and its pods to slices, with as few writes as possible; and the older Endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.api.core_v1 import (
    Container,
    ContainerPort,
    Endpoints,
    Node,
    Pod,
    PodIP,
    Service,
    ServicePort,
    ServiceSpec,
)
from controlplane.api.discovery_v1 import EndpointConditions, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.controllers.endpoints import plan as endpoints
from controlplane.controllers.endpoints.controller import EndpointsController
from controlplane.controllers.endpointslice.controller import EndpointSliceController
from controlplane.controllers.endpointslice.desired import Desired, desired, identity
from controlplane.controllers.endpointslice.plan import MANAGED_BY, MANAGER, SERVICE_NAME, Plan, plan
from controlplane.controllers.service_pods import earliest_change, trigger_times
from tests.unit.controllers.objects import LABELS, a_pod, ago, meta
from tests.unit.controllers.world import World

ZONE = "topology.kubernetes.io/zone"


def a_service(target: int | str = 80, **spec: Any) -> Service:
    ports = [ServicePort(name="http", port=80, target_port=target, protocol="TCP")]
    return Service(metadata=meta("web", creation_timestamp=ago(1000)), spec=ServiceSpec(
        **{"selector": LABELS, "ports": ports, "cluster_ip": "10.96.0.7", "ip_families": ["IPv4"], **spec}
    ))  # fmt: skip


def a_node(name: str) -> Node:
    return Node(metadata=ObjectMeta(name=name, labels={ZONE: f"zone-{name}"}))


def backend(number: int, *, port: int = 80, **more: Any) -> Pod:
    pod = a_pod(f"p{number:03}", ip=f"10.244.{number // 250}.{number % 250 + 1}", **more)
    ports = [ContainerPort(name="http", container_port=port, protocol="TCP")]
    return replace(pod, spec=replace(pod.spec, containers=[Container(name="c", ports=ports)]))


def wanted(service: Service, pods: list[Pod]) -> Desired:
    return desired(service, pods, a_node)


def applied(slices: list[EndpointSlice], decided: Plan) -> list[EndpointSlice]:
    """Return the slices after the API server did as it was told."""
    named = {one.metadata.name: one for one in slices}
    for one in decided.delete:
        del named[one.metadata.name]
    for one in decided.update:
        named[one.metadata.name] = one
    for one in decided.create:
        name = f"web-{len(named):03}"
        while name in named:
            name += "x"
        named[name] = replace(one, metadata=replace(one.metadata, name=name))
    return list(named.values())


def slices_for(service: Service, pods: list[Pod], before: list[EndpointSlice] | None = None) -> list[EndpointSlice]:
    before = before or []
    return applied(before, plan(service, before, wanted(service, pods)))


@pytest.mark.parametrize(
    ("pod", "publish_all", "ready", "serving", "terminating"),
    [
        pytest.param(backend(1), False, True, True, False, id="ready"),
        pytest.param(backend(1, ready=False), False, False, False, False, id="not ready"),
        pytest.param(backend(1, deletion_timestamp=ago(1)), False, False, True, True, id="terminating, still serving"),
        pytest.param(backend(1, ready=False), True, True, False, False, id="published although not ready"),
    ],
)
def test_conditions(pod: Pod, publish_all: bool, ready: bool, serving: bool, terminating: bool) -> None:
    (endpoints_,) = wanted(a_service(publish_not_ready_addresses=publish_all), [pod]).groups.values()
    assert endpoints_[0].conditions == EndpointConditions(ready=ready, serving=serving, terminating=terminating)


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(backend(1, phase="Succeeded"), id="has ended"),
        pytest.param(replace(backend(1), status=replace(backend(1).status, pod_ip="", pod_ips=[])), id="no address"),
    ],
)
def test_who_is_no_endpoint(pod: Pod) -> None:
    assert wanted(a_service(), [pod]).groups == {}


def test_an_endpoint_says_where_it_is() -> None:
    (one,) = slices_for(a_service(), [backend(1)])
    (endpoint,) = one.endpoints
    assert (endpoint.addresses, endpoint.node_name, endpoint.zone) == (["10.244.0.2"], "n1", "zone-n1")
    assert endpoint.target_ref is not None and endpoint.target_ref.name == "p001"
    assert one.metadata.labels == {SERVICE_NAME: "web", MANAGED_BY: MANAGER}
    assert one.metadata.owner_references[0].kind == "Service"


def test_pods_with_other_numbers_for_the_named_port_get_a_slice_of_their_own() -> None:
    slices = slices_for(a_service("http"), [backend(1, port=8080), backend(2, port=9090), backend(3, port=8080)])
    assert sorted((one.ports[0].port, len(one.endpoints)) for one in slices) == [(8080, 2), (9090, 1)]


def test_dual_stack_makes_a_slice_a_family() -> None:
    pod = backend(1)
    pod = replace(pod, status=replace(pod.status, pod_ips=[PodIP(ip="10.244.0.2"), PodIP(ip="fd00::2")]))
    slices = slices_for(a_service(ip_families=["IPv4", "IPv6"]), [pod])
    assert sorted((one.address_type, one.endpoints[0].addresses[0]) for one in slices) == [
        ("IPv4", "10.244.0.2"), ("IPv6", "fd00::2"),
    ]  # fmt: skip


def test_no_pod_leaves_one_empty_slice() -> None:
    service = a_service()
    (empty,) = slices_for(service, [])
    assert (empty.endpoints, empty.ports) == ([], [])
    assert plan(service, [empty], wanted(service, [])) == Plan()


def test_a_pod_whose_node_is_unknown_waits() -> None:
    found = desired(a_service(), [backend(1)], lambda _: None)
    assert (found.groups, found.nodes_missing) == ({}, True)


def test_headless_slices_say_so() -> None:
    (one,) = slices_for(a_service(cluster_ip="None"), [backend(1)])
    assert one.metadata.labels["service.kubernetes.io/headless"] == ""


@pytest.mark.parametrize(
    ("distribution", "zones", "nodes"),
    [
        pytest.param("", [], [], id="anywhere"),
        pytest.param("PreferClose", ["zone-n1"], [], id="the zone"),
        pytest.param("PreferSameNode", ["zone-n1"], ["n1"], id="the node"),
    ],
)
def test_hints(distribution: str, zones: list[str], nodes: list[str]) -> None:
    (one,) = slices_for(a_service(traffic_distribution=distribution), [backend(1)])
    hints = one.endpoints[0].hints
    assert ([] if hints is None else [zone.name for zone in hints.for_zones]) == zones
    assert ([] if hints is None else [node.name for node in hints.for_nodes]) == nodes


@pytest.mark.parametrize(
    ("before", "after", "writes"),
    [
        pytest.param(range(250), range(250), (0, 0, 0), id="nothing changed"),
        pytest.param(range(250), range(251), (0, 1, 0), id="a new one goes where there is room"),
        pytest.param(range(200), range(201), (1, 0, 0), id="full slices stay as they are"),
        pytest.param(range(250), range(1, 250), (0, 1, 0), id="one that is gone changes its slice only"),
        pytest.param(range(250), [*range(1, 250), 300], (0, 1, 0), id="its successor takes its place"),
        pytest.param(range(150), range(100), (0, 0, 1), id="an empty slice goes"),
        pytest.param(range(3), range(0), (0, 1, 0), id="but the last one stays"),
    ],
)
def test_fewest_writes(before: Any, after: Any, writes: tuple[int, int, int]) -> None:
    service = a_service()
    existing = slices_for(service, [backend(number) for number in before])
    decided = plan(service, existing, wanted(service, [backend(number) for number in after]))
    assert (len(decided.create), len(decided.update), len(decided.delete)) == writes


def test_a_changed_port_rewrites_the_slice_in_place() -> None:
    existing = slices_for(a_service(80), [backend(1)])
    decided = plan(a_service(81), existing, wanted(a_service(81), [backend(1)]))
    assert (decided.create, decided.delete, len(decided.update)) == ((), (), 1)
    assert decided.update[0].metadata.name == existing[0].metadata.name


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sets(st.integers(0, 60), max_size=40), min_size=1, max_size=5))
def test_any_history_ends_with_each_endpoint_once(history: list[set[int]]) -> None:
    service, slices = a_service(), list[EndpointSlice]()
    for numbers in history:
        target = wanted(service, [backend(number) for number in sorted(numbers)])
        slices = applied(slices, plan(service, slices, target, limit=10))
        assert plan(service, slices, target, limit=10) == Plan()
        found = [identity(endpoint) for one in slices for endpoint in one.endpoints]
        assert sorted(map(str, found)) == sorted(
            str(identity(one)) for group in target.groups.values() for one in group
        )
        assert all(len(one.endpoints) <= 10 for one in slices)


def test_trigger_time_is_the_first_change_not_seen_before() -> None:
    service = a_service()
    seen = trigger_times(service, [backend(1, ready_for=50)])
    assert earliest_change({}, seen) == ago(1000)
    assert earliest_change(seen, seen) == ""
    assert earliest_change(seen, trigger_times(service, [backend(1, ready_for=50), backend(2, ready_for=3)])) == ago(3)


# Endpoints


def test_endpoints_keep_ready_and_waiting_apart() -> None:
    found = endpoints.plan(a_service(), [backend(2), backend(1, ready=False)], None)
    assert found is not None
    (subset,) = found.subsets
    assert [one.ip for one in subset.addresses] == ["10.244.0.3"]
    assert [one.ip for one in subset.not_ready_addresses] == ["10.244.0.2"]
    assert [(port.name, port.port) for port in subset.ports] == [("http", 80)]
    assert endpoints.plan(a_service(), [backend(1, ready=False), backend(2)], found) is None


def test_endpoints_are_cut_at_the_cap_and_say_so() -> None:
    pods = [backend(number, ready=number % 2 == 0) for number in range(8)]
    found = endpoints.plan(a_service(), pods, None, limit=5)
    assert found is not None
    (subset,) = found.subsets
    assert (len(subset.addresses), len(subset.not_ready_addresses)) == (4, 1)
    assert found.metadata.annotations[endpoints.OVER_CAPACITY] == "truncated"


async def test_a_pod_that_becomes_ready_is_in_both_forms_after_one_write_each() -> None:
    world = World()
    world.api.add(a_node("n1"))
    world.api.add(a_service())
    pod = world.api.add(backend(1, ready=False))
    async with world.running(EndpointSliceController(world.environment), EndpointsController(world.environment)):
        before = len(world.api.writes())
        world.api.update(replace(pod, status=backend(1).status))
        await world.settle()
        assert len(world.api.writes()) - before == 2
        (one,) = world.api.list(EndpointSlice)
        assert one.endpoints[0].conditions is not None and one.endpoints[0].conditions.ready
        (found,) = world.api.list(Endpoints)
        assert [address.ip for address in found.subsets[0].addresses] == ["10.244.0.2"]

        world.api.remove(Service, "web", "default")
        await world.settle()
        assert world.api.list(Endpoints) == []


async def test_a_slice_that_somebody_deleted_comes_back() -> None:
    world = World()
    world.api.add(a_node("n1"))
    world.api.add(a_service())
    world.api.add(backend(1))
    async with world.running(EndpointSliceController(world.environment)):
        (one,) = world.api.list(EndpointSlice)
        world.api.remove(EndpointSlice, one.metadata.name, "default")
        await world.settle()
        assert len(world.api.list(EndpointSlice)) == 1
