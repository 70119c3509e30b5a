"""io.k8s.kube-aggregator.pkg.apis.apiregistration.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from types import NoneType
from typing import Annotated

from controlplane.api.base import Atomic, Int32, KubeStruct, ListMap, Time, always
from controlplane.api.meta_v1 import ObjectMeta


class ServiceReference(KubeStruct):
    name: str = ""
    namespace: str = ""
    port: Int32 | None = None


class APIServiceSpec(KubeStruct):
    ca_bundle: Annotated[str, Atomic()] = ""
    group: str = ""
    group_priority_minimum: Int32 = always(int)
    insecure_skip_tls_verify: bool | None = None
    service: ServiceReference | None = None
    version: str = ""
    version_priority: Int32 = always(int)


class APIServiceCondition(KubeStruct):
    last_transition_time: Time | None = always(NoneType)
    message: str = ""
    reason: str = ""
    status: str = always(str)
    type: str = always(str)


class APIServiceStatus(KubeStruct):
    conditions: Annotated[list[APIServiceCondition], ListMap(("type",), merge_key="type")] = []


class APIService(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: APIServiceSpec = always(APIServiceSpec)
    status: APIServiceStatus = always(APIServiceStatus)
