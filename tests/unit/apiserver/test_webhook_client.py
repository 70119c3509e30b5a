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
from controlplane.apiserver.service_resolver import Address, ServiceResolver
from controlplane.apiserver.webhooks.client import WebhookClient
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


def a_client(*objects: Any) -> WebhookClient:
    return WebhookClient(ServiceResolver(FakeReader(*objects), Random(1), Address("127.0.0.1", 1), to_endpoints=True))


async def test_a_service_is_called_by_its_name_over_one_connection() -> None:
    async with WebhookServer.listening(lambda *_: {"allowed": True}) as server:
        here = a_slice(EndpointPort(name="https", port=server.port), endpoint("127.0.0.1"))
        client = a_client(service(HTTPS), here)
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
        client = a_client(service(HTTPS), here, other, slice_)
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
    client = a_client()
    try:
        with pytest.raises(CallFailed) as raised:
            await client.call(config, QUESTION, 2.5)
    finally:
        await client.close()
    assert str(raised.value).startswith(message)
