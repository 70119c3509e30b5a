"""API services."""

from __future__ import annotations

from controlplane.api.codec import Document

_PORT = 443


def default_api_service(api_service: Document) -> None:
    service = api_service.setdefault("spec", {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = _PORT
