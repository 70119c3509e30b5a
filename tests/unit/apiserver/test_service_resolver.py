"""Where requests to a Service go."""

from __future__ import annotations

from random import Random

import pytest

from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.status import NotFound, ServiceUnavailable
from controlplane.apiserver.service_resolver import (
    Address,
    ServiceResolver,
    Unresolvable,
    by_cluster_ip,
    by_endpoint,
    slices_of,
)
from tests.fakes.reader import FakeReader


def a_service(type_: str = "ClusterIP", cluster_ip: str = "10.96.0.7", **more: object) -> Service:
    ports = [ServicePort(name="https", port=443), ServicePort(name="other", port=80)]
    spec = ServiceSpec(type=type_, cluster_ip=cluster_ip, ports=ports, **more)  # type: ignore[arg-type]
    return Service(metadata=ObjectMeta(name="web", namespace="shop"), spec=spec)


def a_slice(
    *addresses: str, ready: bool | None = True, port: int = 8443, name: str = "https", family: str = "IPv4",
    of: str = "web",
) -> EndpointSlice:  # fmt: skip
    return EndpointSlice(
        metadata=ObjectMeta(name=f"{of}-1", namespace="shop", labels={"kubernetes.io/service-name": of}),
        address_type=family,
        endpoints=[Endpoint(addresses=[one], conditions=EndpointConditions(ready=ready)) for one in addresses],
        ports=[EndpointPort(name=name, port=port)],
    )


@pytest.mark.parametrize(
    ("service", "address"),
    [
        pytest.param(a_service(), Address("10.96.0.7", 443), id="its address"),
        pytest.param(a_service("NodePort"), Address("10.96.0.7", 443), id="a node port's"),
        pytest.param(a_service("ExternalName", "", external_name="x.example.com"), Address("x.example.com", 443),
                     id="its external name"),
    ],
)  # fmt: skip
def test_by_cluster_ip(service: Service, address: Address) -> None:
    assert by_cluster_ip(service, 443) == address


@pytest.mark.parametrize(
    ("service", "port", "error", "says"),
    [
        pytest.param(a_service(cluster_ip="None"), 443, Unresolvable,
                     'cannot route to service with ClusterIP "None"', id="headless"),
        pytest.param(a_service(), 444, ServiceUnavailable, 'no service port 444 found for service "web"', id="port"),
        pytest.param(a_service("Odd"), 443, Unresolvable, 'unsupported service type "Odd"', id="type"),
    ],
)  # fmt: skip
def test_by_cluster_ip_refuses(service: Service, port: int, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        by_cluster_ip(service, port)


@pytest.mark.parametrize(
    ("slices", "port", "found"),
    [
        pytest.param([a_slice("10.1.0.1", "10.1.0.2")], 443, {"10.1.0.1", "10.1.0.2"}, id="by number"),
        pytest.param([a_slice("10.1.0.1")], "https", {"10.1.0.1"}, id="by name"),
        pytest.param([a_slice("10.1.0.1", ready=False), a_slice("10.1.0.2")], 443, {"10.1.0.2"}, id="only ready ones"),
        pytest.param([a_slice("10.1.0.1", ready=None)], 443, {"10.1.0.1"}, id="ready if it does not say"),
        pytest.param([a_slice("fd00::1", family="IPv6"), a_slice("10.1.0.1")], 443, {"10.1.0.1"},
                     id="the first family first"),
        pytest.param([a_slice("fd00::1", family="IPv6")], 443, {"fd00::1"}, id="the other one if it must be"),
        pytest.param([a_slice("10.1.0.1", ready=False)], 443, set(), id="none is ready"),
        pytest.param([a_slice("10.1.0.1", name="x")], 443, set(), id="none has the port"),
        pytest.param([], 443, set(), id="none at all"),
    ],
)  # fmt: skip
def test_by_endpoint(slices: list[EndpointSlice], port: str | int, found: set[str]) -> None:
    service = a_service(ip_families=["IPv4", "IPv6"])
    if not found:
        with pytest.raises(ServiceUnavailable, match='no endpoints available for service "web"'):
            by_endpoint(service, slices, port, Random(1))
        return
    random = Random(1)
    assert {by_endpoint(service, slices, port, random) for _ in range(50)} == {Address(one, 8443) for one in found}


def test_slices_of_others_do_not_count() -> None:
    assert slices_of(a_service(), [a_slice("10.1.0.1", of="other")]) == []


def test_the_resolver() -> None:
    reader = FakeReader(a_service(), a_slice("10.1.0.1"))
    own = Address("192.0.2.1", 6443)
    assert ServiceResolver(reader, Random(1), own)("shop", "web", 443) == Address("10.96.0.7", 443)
    endpoints = ServiceResolver(reader, Random(1), own, to_endpoints=True)
    assert endpoints("shop", "web", 443) == Address("10.1.0.1", 8443)
    assert endpoints("default", "kubernetes", 443) == own
    with pytest.raises(NotFound, match=r'^service "none" not found'):
        endpoints("shop", "none", 443)
