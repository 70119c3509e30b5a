"""io.k8s.api.discovery.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int32, KubeStruct, ListSet, always
from controlplane.api.core_v1 import ObjectReference
from controlplane.api.meta_v1 import ObjectMeta


class EndpointConditions(KubeStruct):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ForNode(KubeStruct):
    name: str = always(str)


class ForZone(KubeStruct):
    name: str = always(str)


class EndpointHints(KubeStruct):
    for_nodes: Annotated[list[ForNode], Atomic()] = []
    for_zones: Annotated[list[ForZone], Atomic()] = []


class Endpoint(KubeStruct):
    addresses: Annotated[list[str], ListSet(merge=False)] = []
    conditions: EndpointConditions = always(EndpointConditions)
    deprecated_topology: dict[str, str] = {}
    hints: EndpointHints | None = None
    hostname: str = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None
    zone: str = ""


class EndpointPort(KubeStruct):
    app_protocol: str = ""
    name: str = always(str)
    port: Int32 | None = None
    protocol: str = ""


class EndpointSlice(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    address_type: str = always(str)
    endpoints: Annotated[list[Endpoint], Atomic()] = []
    ports: Annotated[list[EndpointPort], Atomic()] = []
