"""Services. Addresses, node ports and IP families depend on the cluster: `apiserver/allocation` gives those."""

from __future__ import annotations

from controlplane.api.codec import Document

_AFFINITY_SECONDS = 10800  # three hours


def default_service(service: Document) -> None:
    spec = service.setdefault("spec", {})
    spec["type"] = spec.get("type") or "ClusterIP"
    _default_affinity(spec)
    for port in spec.get("ports", ()):
        port["protocol"] = port.get("protocol") or "TCP"
        if not port.get("targetPort") and port.get("port") is not None:
            port["targetPort"] = port["port"]
    _default_traffic(spec)
    status = service.setdefault("status", {})
    for ingress in status.setdefault("loadBalancer", {}).get("ingress", ()):
        if spec["type"] == "LoadBalancer" and ingress.get("ip") and not ingress.get("ipMode"):
            ingress["ipMode"] = "VIP"


def _default_affinity(spec: Document) -> None:
    spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client_ip = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client_ip.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _AFFINITY_SECONDS}}


def _default_traffic(spec: Document) -> None:
    if reachable_from_outside(spec) and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if spec["type"] in ("ClusterIP", "NodePort", "LoadBalancer") and not spec.get("internalTrafficPolicy"):
        spec["internalTrafficPolicy"] = "Cluster"
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True


def reachable_from_outside(spec: Document) -> bool:
    """Whether traffic from outside the cluster may be meant for this Service."""
    kind = spec.get("type")
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
