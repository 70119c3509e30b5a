"""What is said of APIServices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from controlplane.api.apiregistration_v1 import APIService, ServiceReference
from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.aggregation.availability import (
    PASSED,
    failed_check,
    is_available,
    judge,
    with_verdict,
)
from controlplane.apiserver.aggregation.metrics import AvailabilityMetrics

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFERENCE = ServiceReference(name="fruit", namespace="shop", port=443)


def a_service(type_: str = "ClusterIP", port: int = 443) -> Service:
    spec = ServiceSpec(type=type_, ports=[ServicePort(name="https", port=port)])
    return Service(metadata=ObjectMeta(name="fruit", namespace="shop"), spec=spec)


def a_slice(ready: bool | None = True, name: str = "https", port: int | None = 8443) -> EndpointSlice:
    endpoint = Endpoint(addresses=["10.244.1.7"], conditions=EndpointConditions(ready=ready))
    return EndpointSlice(endpoints=[endpoint], ports=[EndpointPort(name=name, port=port)])


@pytest.mark.parametrize(
    ("service", "slices", "reason", "message"),
    [
        pytest.param(None, [], "ServiceNotFound", 'service/fruit in "shop" is not present', id="no Service"),
        pytest.param(a_service(port=444), [a_slice()], "ServicePortError",
                     'service/fruit in "shop" is not listening on port 443', id="another port"),
        pytest.param(a_service(), [], "EndpointsNotFound",
                     'cannot find endpointslices for service/fruit in "shop"', id="no slices"),
        pytest.param(a_service(), [a_slice(ready=False)], "MissingEndpoints",
                     'endpointslices for service/fruit in "shop" have no addresses with port name "https"',
                     id="nobody ready"),
        pytest.param(a_service(), [a_slice(name="x")], "MissingEndpoints",
                     'endpointslices for service/fruit in "shop" have no addresses with port name "https"',
                     id="nobody on that port"),
        pytest.param(a_service(), [a_slice(ready=False), a_slice()], "", "", id="one slice is enough"),
        pytest.param(a_service(), [a_slice(ready=None)], "", "", id="ready if it does not say"),
        pytest.param(a_service("ExternalName"), [], "", "", id="whoever is outside can only be asked"),
    ],
)  # fmt: skip
def test_judge(service: Service | None, slices: list[EndpointSlice], reason: str, message: str) -> None:
    verdict = judge(REFERENCE, service, slices)
    assert (verdict.reason, verdict.message) == (reason, message) if verdict else not reason


def test_the_transition_time_moves_only_with_the_status() -> None:
    def at(service: APIService) -> str | None:
        return service.status.conditions[0].last_transition_time

    first = with_verdict(APIService(), failed_check("a"), NOW)
    assert first is not None and not is_available(first)
    assert with_verdict(first, failed_check("a"), NOW + timedelta(minutes=1)) is None
    second = with_verdict(first, failed_check("b"), NOW + timedelta(minutes=1))
    assert second is not None and at(second) == at(first)
    third = with_verdict(second, PASSED, NOW + timedelta(minutes=2))
    assert third is not None and is_available(third) and at(third) == "2026-01-01T00:02:00Z"


def test_metrics() -> None:
    registry = CollectorRegistry()
    metrics = AvailabilityMetrics(registry)
    metrics.said("v1.a", available=True, reason="Passed", changed=False)
    metrics.said("v1.b", available=True, reason="Passed", changed=True)
    metrics.said("v1.b", available=False, reason="MissingEndpoints", changed=True)
    metrics.said("v1.b", available=False, reason="MissingEndpoints", changed=False)
    metrics.said("v1.c", available=False, reason="ServiceNotFound", changed=False)
    metrics.forget("v1.c")
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert lines == [
        'aggregator_unavailable_apiservice{name="v1.a"} 0.0',
        'aggregator_unavailable_apiservice{name="v1.b"} 1.0',
        'aggregator_unavailable_apiservice_total{name="v1.b",reason="MissingEndpoints"} 1.0',
    ]
