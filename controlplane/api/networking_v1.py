"""io.k8s.api.networking.v1: written by controlplane.api.generate, do not edit."""

from __future__ import annotations

from typing import Annotated

from controlplane.api.base import Atomic, Int32, IntOrString, KubeStruct, ListMap, always
from controlplane.api.core_v1 import TypedLocalObjectReference
from controlplane.api.meta_v1 import Condition, LabelSelector, ObjectMeta


class ServiceBackendPort(KubeStruct):
    name: str = ""
    number: Int32 | None = None


class IngressServiceBackend(KubeStruct):
    name: str = always(str)
    port: ServiceBackendPort = always(ServiceBackendPort)


class IngressBackend(KubeStruct):
    resource: TypedLocalObjectReference | None = None
    service: IngressServiceBackend | None = None


class HTTPIngressPath(KubeStruct):
    backend: IngressBackend = always(IngressBackend)
    path: str = ""
    path_type: str = ""


class HTTPIngressRuleValue(KubeStruct):
    paths: Annotated[list[HTTPIngressPath], Atomic()] = []


class ParentReference(KubeStruct):
    group: str = ""
    name: str = ""
    namespace: str = ""
    resource: str = ""


class IPAddressSpec(KubeStruct):
    parent_ref: ParentReference | None = None


class IPAddress(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: IPAddressSpec = always(IPAddressSpec)


class IPBlock(KubeStruct):
    cidr: str = always(str)
    except_: Annotated[list[str], Atomic()] = []


class IngressRule(KubeStruct):
    host: str = ""
    http: HTTPIngressRuleValue | None = None


class IngressTLS(KubeStruct):
    hosts: Annotated[list[str], Atomic()] = []
    secret_name: str = ""


class IngressSpec(KubeStruct):
    default_backend: IngressBackend | None = None
    ingress_class_name: str = ""
    rules: Annotated[list[IngressRule], Atomic()] = []
    tls: Annotated[list[IngressTLS], Atomic()] = []


class IngressPortStatus(KubeStruct):
    error: str = ""
    port: Int32 = always(int)
    protocol: str = always(str)


class IngressLoadBalancerIngress(KubeStruct):
    hostname: str = ""
    ip: str = ""
    ports: Annotated[list[IngressPortStatus], Atomic()] = []


class IngressLoadBalancerStatus(KubeStruct):
    ingress: Annotated[list[IngressLoadBalancerIngress], Atomic()] = []


class IngressStatus(KubeStruct):
    load_balancer: IngressLoadBalancerStatus = always(IngressLoadBalancerStatus)


class Ingress(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: IngressSpec = always(IngressSpec)
    status: IngressStatus = always(IngressStatus)


class IngressClassParametersReference(KubeStruct):
    kind: str = always(str)
    api_group: str = ""
    name: str = always(str)
    namespace: str = ""
    scope: str = ""


class IngressClassSpec(KubeStruct):
    controller: str = ""
    parameters: IngressClassParametersReference | None = None


class IngressClass(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: IngressClassSpec = always(IngressClassSpec)


class NetworkPolicyPeer(KubeStruct):
    ip_block: IPBlock | None = None
    namespace_selector: LabelSelector | None = None
    pod_selector: LabelSelector | None = None


class NetworkPolicyPort(KubeStruct):
    end_port: Int32 | None = None
    port: IntOrString | None = None
    protocol: str = ""


class NetworkPolicyEgressRule(KubeStruct):
    ports: Annotated[list[NetworkPolicyPort], Atomic()] = []
    to: Annotated[list[NetworkPolicyPeer], Atomic()] = []


class NetworkPolicyIngressRule(KubeStruct):
    from_: Annotated[list[NetworkPolicyPeer], Atomic()] = []
    ports: Annotated[list[NetworkPolicyPort], Atomic()] = []


class NetworkPolicySpec(KubeStruct):
    egress: Annotated[list[NetworkPolicyEgressRule], Atomic()] = []
    ingress: Annotated[list[NetworkPolicyIngressRule], Atomic()] = []
    pod_selector: LabelSelector = always(LabelSelector)
    policy_types: Annotated[list[str], Atomic()] = []


class NetworkPolicy(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: NetworkPolicySpec = always(NetworkPolicySpec)


class ServiceCIDRSpec(KubeStruct):
    cidrs: Annotated[list[str], Atomic()] = []


class ServiceCIDRStatus(KubeStruct):
    conditions: Annotated[list[Condition], ListMap(("type",), merge_key="type")] = []


class ServiceCIDR(KubeStruct):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = always(ObjectMeta)
    spec: ServiceCIDRSpec = always(ServiceCIDRSpec)
    status: ServiceCIDRStatus = always(ServiceCIDRStatus)
