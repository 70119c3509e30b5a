"""An API server with an extension API server behind a Service."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from controlplane.api.apiregistration_v1 import APIService, APIServiceCondition, APIServiceSpec, ServiceReference
from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.aggregation.assembly import AggregationSettings
from controlplane.apiserver.aggregation.remote import FrontProxy
from controlplane.kit.clock import SystemClock
from controlplane.testing import HttpsApi, https_api
from controlplane.testing.memory import default_settings
from tests.fakes.extension import GROUP, VERSION, Extension, FrontProxyPki
from tests.fakes.web import PodNetwork

ADDRESS = "10.244.1.7"
NAME = f"{VERSION}.{GROUP}"


@dataclass
class World:
    """Everything a test here touches."""

    api: HttpsApi
    extension: Extension
    network: PodNetwork
    pki: FrontProxyPki

    async def register(self, *, service: bool = True, slices: bool = True, port: int = 443) -> None:
        """Make the Service, its endpoints and the APIService."""
        client = self.api.memory.client()
        if service:
            ports = [ServicePort(name="https", port=443, target_port=8443)]
            metadata = ObjectMeta(name="fruit", namespace="default")
            await client.create(Service(metadata=metadata, spec=ServiceSpec(ports=ports)))
        if slices:
            await client.create(a_slice())
        reference = ServiceReference(name="fruit", namespace="default", port=port)
        spec = APIServiceSpec(
            group=GROUP,
            version=VERSION,
            group_priority_minimum=2000,
            version_priority=10,
            service=reference,
            ca_bundle=base64.b64encode(self.pki.servers.certificate_pem).decode(),
        )
        await client.create(APIService(metadata=ObjectMeta(name=NAME), spec=spec))

    async def condition(self, name: str, wanted: Callable[[APIServiceCondition], bool]) -> APIServiceCondition:
        """Return the condition of an APIService once it is as wanted."""
        client = self.api.memory.client()
        async with asyncio.timeout(10):
            while True:
                service = await client.get(APIService, name)
                for condition in service.status.conditions:
                    if wanted(condition):
                        return condition
                await asyncio.sleep(0.01)

    async def available(self) -> None:
        await self.condition(NAME, lambda one: one.status == "True")


def a_slice(address: str = ADDRESS) -> EndpointSlice:
    labels = {"kubernetes.io/service-name": "fruit"}
    return EndpointSlice(
        metadata=ObjectMeta(name="fruit-1", namespace="default", labels=labels),
        address_type="IPv4",
        endpoints=[Endpoint(addresses=[address])],
        ports=[EndpointPort(name="https", port=8443)],
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    pki = FrontProxyPki.make(tmp_path, SystemClock().now(), "fruit.default.svc")
    front_proxy = FrontProxy(pki.certificate, pki.key)
    settings = replace(default_settings(), aggregation=AggregationSettings(front_proxy, to_endpoints=True))
    extension, network = Extension(), PodNetwork()
    async with (
        network.serving(ADDRESS, 8443, extension.handle, pki.tls),
        network.dialer() as dialer,
        https_api(tmp_path, settings=settings, dialer=dialer) as api,
    ):
        yield World(api, extension, network, pki)
