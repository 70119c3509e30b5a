"""kubectl get ingresses, ingressclasses, networkpolicies, ipaddresses, servicecidrs."""

from __future__ import annotations

from datetime import datetime

from controlplane.api.networking_v1 import (
    Ingress,
    IngressClass,
    IngressRule,
    IPAddress,
    NetworkPolicy,
    ServiceCIDR,
)
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import NONE, age, or_none, selector, shortened


def _ingress(ingress: Ingress, now: datetime) -> list[Cell]:
    balancer = ingress.status.load_balancer
    return [
        ingress.metadata.name,
        or_none(ingress.spec.ingress_class_name),
        _hosts(ingress.spec.rules),
        ",".join(one.ip or one.hostname for one in balancer.ingress if one.ip or one.hostname) if balancer else "",
        "80, 443" if ingress.spec.tls else "80",
        age(ingress.metadata.creation_timestamp, now),
    ]


def _hosts(rules: list[IngressRule]) -> str:
    hosts = [rule.host for rule in rules if rule.host]
    return shortened(hosts) if hosts else "*"


def _ingress_class(ingress_class: IngressClass, now: datetime) -> list[Cell]:
    return [
        ingress_class.metadata.name,
        ingress_class.spec.controller,
        _parameters(ingress_class),
        age(ingress_class.metadata.creation_timestamp, now),
    ]


def _parameters(ingress_class: IngressClass) -> str:
    """IngressParameters.example.com/external"""
    parameters = ingress_class.spec.parameters
    if parameters is None:
        return NONE
    group = f".{parameters.api_group}" if parameters.api_group else ""
    return f"{parameters.kind}{group}/{parameters.name}"


def _network_policy(policy: NetworkPolicy, now: datetime) -> list[Cell]:
    return [policy.metadata.name, selector(policy.spec.pod_selector), age(policy.metadata.creation_timestamp, now)]


def _ip_address(address: IPAddress, now: datetime) -> list[Cell]:
    return [address.metadata.name, _parent(address), age(address.metadata.creation_timestamp, now)]


def _parent(address: IPAddress) -> str:
    """services/default/kubernetes"""
    parent = address.spec.parent_ref
    if parent is None:
        return NONE
    resource = f"{parent.resource}.{parent.group}" if parent.group else parent.resource
    namespace = f"/{parent.namespace}" if parent.namespace else ""
    return f"{resource.lower()}{namespace}/{parent.name}"


def _service_cidr(service_cidr: ServiceCIDR, now: datetime) -> list[Cell]:
    return [
        service_cidr.metadata.name,
        ",".join(service_cidr.spec.cidrs),
        age(service_cidr.metadata.creation_timestamp, now),
    ]


INGRESS = Printer(
    (NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE),
    _ingress,
)
INGRESS_CLASS = Printer((NAME, Column("Controller"), Column("Parameters"), AGE), _ingress_class)
NETWORK_POLICY = Printer((NAME, Column("Pod-Selector"), AGE), _network_policy)
IP_ADDRESS = Printer((NAME, Column("ParentRef"), AGE), _ip_address)
SERVICE_CIDR = Printer((NAME, Column("CIDRs"), AGE), _service_cidr)
