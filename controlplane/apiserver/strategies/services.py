"""Services and the endpoints behind them."""

from __future__ import annotations

from typing import Any, ClassVar

from controlplane.api.codec import Document
from controlplane.apiserver.strategies.base import Strategy


class ServiceStrategy(Strategy):
    """A PUT may leave out what the cluster gave the Service, and a change of type drops what only the old one had."""

    allow_create_on_update: ClassVar[bool] = True

    def prepare_update(self, new: Document, old: Document) -> None:
        super().prepare_update(new, old)
        ours, theirs = new.setdefault("spec", {}), old.get("spec", {})
        _keep_addresses(ours, theirs)
        _keep_node_ports(ours, theirs)
        _drop_what_the_type_has_not(ours, theirs)


def _has_cluster_ip(spec: Document) -> bool:
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def _has_node_ports(spec: Document) -> bool:
    return spec.get("type") == "NodePort" or (
        spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
    )


def _needs_health_check(spec: Document) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _keep_addresses(new: Document, old: Document) -> None:
    if not (_has_cluster_ip(new) and _has_cluster_ip(old)):
        return
    _follow_the_single_address(new, old)
    if not new.get("clusterIP") and not new.get("clusterIPs"):
        for name in ("clusterIP", "clusterIPs"):
            if old.get(name):
                new[name] = old[name]
    elif not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
        new["clusterIPs"] = old["clusterIPs"]
    for name in ("ipFamilies", "ipFamilyPolicy"):
        if not new.get(name) and old.get(name):
            new[name] = old[name]


def _follow_the_single_address(new: Document, old: Document) -> None:
    """Whoever changes clusterIP alone means the list too; validation has its say about that."""
    if new.get("clusterIP") == old.get("clusterIP") or new.get("clusterIPs") != old.get("clusterIPs"):
        return
    if new.get("clusterIP"):
        new["clusterIPs"] = [new["clusterIP"]]
    else:
        new.pop("clusterIPs", None)


def _keep_node_ports(new: Document, old: Document) -> None:
    if not (_has_node_ports(new) and _has_node_ports(old)):
        return
    given = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in old.get("ports", ())}
    taken = {(port.get("protocol"), port.get("nodePort")) for port in new.get("ports", ()) if port.get("nodePort")}
    for port in new.get("ports", ()):
        before = given.get((port.get("protocol"), port.get("port")))
        if not port.get("nodePort") and before and (port.get("protocol"), before) not in taken:
            port["nodePort"] = before
    if _needs_health_check(new) and not new.get("healthCheckNodePort") and old.get("healthCheckNodePort"):
        new["healthCheckNodePort"] = old["healthCheckNodePort"]


def _drop_what_the_type_has_not(new: Document, old: Document) -> None:
    """Whoever changes `type` alone means the fields that belonged to the old type to go; what is newly set stays."""
    if _has_cluster_ip(old) and not _has_cluster_ip(new):
        _drop_unchanged(new, old, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")
    if _has_node_ports(old) and not _has_node_ports(new) and _same_node_ports(new, old):
        for port in new.get("ports", ()):
            port.pop("nodePort", None)
    if _needs_health_check(old) and not _needs_health_check(new):
        _drop_unchanged(new, old, "healthCheckNodePort")
    if old.get("type") == "LoadBalancer" and new.get("type") != "LoadBalancer":
        _drop_unchanged(new, old, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if old.get("type") == "ExternalName" and new.get("type") != "ExternalName":
        _drop_unchanged(new, old, "externalName")
    outside = ("NodePort", "LoadBalancer")
    if old.get("type") in outside and new.get("type") not in outside and not new.get("externalIPs"):
        _drop_unchanged(new, old, "externalTrafficPolicy")


def _drop_unchanged(new: Document, old: Document, *names: str) -> None:
    for name in names:
        if new.get(name) == old.get(name):
            new.pop(name, None)


def _same_node_ports(new: Document, old: Document) -> bool:
    def node_ports(spec: Document) -> set[Any]:
        return {port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}

    return node_ports(new) <= node_ports(old)


class EndpointsStrategy(Strategy):
    allow_create_on_update: ClassVar[bool] = True

    def warnings(self, obj: Any) -> list[str]:
        return ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]


class EndpointSliceStrategy(Strategy):
    """What is wanted of a slice is all of it, its labels included."""

    has_generation: ClassVar[bool] = True

    def wanted(self, document: Document) -> Any:
        labels = document.get("metadata", {}).get("labels") or {}
        return labels, *(document.get(name) or [] for name in ("addressType", "endpoints", "ports"))
