"""Calling webhooks: by URL, and by Service through its endpoints."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from controlplane.admission.outside import CallFailed
from controlplane.api.admissionregistration_v1 import ServiceReference, WebhookClientConfig
from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.webhooks.client import WebhookClient
from controlplane.apiserver.webhooks.endpoints import NoEndpoint, endpoint_of
from tests.fakes.reader import FakeReader
from tests.fakes.webhook import WebhookServer

QUESTION = b'{"apiVersion": "admission.k8s.io/v1", "request": {"uid": "1"}}'


def service(*ports: ServicePort) -> Service:
    return Service(metadata=ObjectMeta(name="hook", namespace="hooks"), spec=ServiceSpec(ports=list(ports)))


def a_slice(port: EndpointPort, *endpoints: Endpoint, of: str = "hook") -> EndpointSlice:
    metadata = ObjectMeta(name=f"{of}-1", namespace="hooks", labels={"kubernetes.io/service-name": of})
    return EndpointSlice(metadata=metadata, ports=[port], endpoints=list(endpoints))


def endpoint(address: str, ready: bool | None = True) -> Endpoint:
    return Endpoint(addresses=[address], conditions=EndpointConditions(ready=ready))


HTTPS = ServicePort(name="https", port=443)


@pytest.mark.parametrize(
    ("objects", "port", "expected"),
    [
        pytest.param([], 443, 'service "hook" not found', id="no service"),
        pytest.param([service(HTTPS)], 8443, 'no service port 8443 found for service "hook"', id="no such port"),
        pytest.param([service(HTTPS)], 443, 'no endpoints available for service "hook"', id="no slice"),
        pytest.param(
            [service(HTTPS), a_slice(EndpointPort(name="https", port=9443), endpoint("10.0.0.1", ready=False))],
            443, 'no endpoints available for service "hook"', id="nobody is ready",
        ),
        pytest.param(
            [service(HTTPS), a_slice(EndpointPort(name="https", port=9443), endpoint("10.0.0.1"), of="other")],
            443, 'no endpoints available for service "hook"', id="the slice is of another service",
        ),
        pytest.param(
            [service(HTTPS), a_slice(EndpointPort(name="metrics", port=80), endpoint("10.0.0.1"))],
            443, 'no endpoints available for service "hook"', id="the slice has another port",
        ),
        pytest.param(
            [service(HTTPS), a_slice(EndpointPort(name="https", port=9443), endpoint("10.0.0.1", False),
                                     endpoint("10.0.0.2"))],
            443, ("10.0.0.2", 9443), id="the one that is ready",
        ),
        pytest.param(
            [service(ServicePort(port=80)), a_slice(EndpointPort(port=8080), endpoint("10.0.0.3", None))],
            80, ("10.0.0.3", 8080), id="a port without a name; ready where nothing is said",
        ),
    ],
)  # fmt: skip
def test_endpoint_of(objects: list[Any], port: int, expected: Any) -> None:
    reader = FakeReader(*objects)
    if isinstance(expected, tuple):
        assert endpoint_of(reader, Random(1), "hooks", "hook", port) == expected
        return
    with pytest.raises(NoEndpoint) as raised:
        endpoint_of(reader, Random(1), "hooks", "hook", port)
    assert str(raised.value) == expected


async def test_a_service_is_called_by_its_name_over_one_connection() -> None:
    async with WebhookServer.listening(lambda *_: {"allowed": True}) as server:
        here = a_slice(EndpointPort(name="https", port=server.port), endpoint("127.0.0.1"))
        client = WebhookClient(FakeReader(service(HTTPS), here), Random(1))
        config = WebhookClientConfig(
            ca_bundle=server.ca_bundle, service=ServiceReference(name="hook", namespace="hooks", path="/deep/path")
        )
        try:
            for _ in range(3):
                assert b'"allowed": true' in await client.call(config, QUESTION, 5)
        finally:
            await client.close()
        assert [path for path, _ in server.asked] == ["/deep/path"] * 3
        assert len(server.connections) == 1


async def test_a_certificate_must_name_the_service() -> None:
    async with WebhookServer.listening(lambda *_: {"allowed": True}) as server:
        here = a_slice(EndpointPort(name="https", port=server.port), endpoint("127.0.0.1"))
        other = Service(metadata=ObjectMeta(name="other", namespace="hooks"), spec=ServiceSpec(ports=[HTTPS]))
        slice_ = a_slice(EndpointPort(name="https", port=server.port), endpoint("127.0.0.1"), of="other")
        client = WebhookClient(FakeReader(service(HTTPS), here, other, slice_), Random(1))
        config = WebhookClientConfig(
            ca_bundle=server.ca_bundle, service=ServiceReference(name="other", namespace="hooks")
        )
        try:
            with pytest.raises(CallFailed, match="tls: failed to verify certificate: x509: Hostname mismatch"):
                await client.call(config, QUESTION, 5)
        finally:
            await client.close()
        assert server.asked == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (WebhookClientConfig(), "webhook configuration must have either service or URL"),
        (
            WebhookClientConfig(service=ServiceReference(name="hook", namespace="hooks", path="p", port=8443)),
            'Post "https://hook.hooks.svc:8443/p?timeout=3s": service "hook" not found',
        ),
        (WebhookClientConfig(url="https://127.0.0.1:1/x?a=b", ca_bundle="!"), "unable to load root certificates"),
        (
            WebhookClientConfig(url="https://127.0.0.1:1/x?a=b"),
            'Post "https://127.0.0.1:1/x?a=b&timeout=3s": dial tcp 127.0.0.1:1: connect: connection refused',
        ),
    ],
)
async def test_calls_that_cannot_be_made(config: WebhookClientConfig, message: str) -> None:
    client = WebhookClient(FakeReader(), Random(1))
    try:
        with pytest.raises(CallFailed) as raised:
            await client.call(config, QUESTION, 2.5)
    finally:
        await client.close()
    assert str(raised.value).startswith(message)
