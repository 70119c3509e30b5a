"""Endpoints and EndpointSlices: a port is TCP."""

from __future__ import annotations

from controlplane.api.codec import Document


def default_endpoints(endpoints: Document) -> None:
    for subset in endpoints.get("subsets", ()):
        _default_ports(subset)


def default_endpoint_slice(endpoint_slice: Document) -> None:
    _default_ports(endpoint_slice)


def _default_ports(owner: Document) -> None:
    for port in owner.get("ports", ()):
        port["protocol"] = port.get("protocol") or "TCP"
