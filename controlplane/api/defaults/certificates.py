"""Requests for certificates that pods hold."""

from __future__ import annotations

from controlplane.api.codec import Document

_A_DAY = 86400  # seconds


def default_pod_certificate_request(request: Document) -> None:
    spec = request.setdefault("spec", {})
    if spec.get("maxExpirationSeconds") is None:
        spec["maxExpirationSeconds"] = _A_DAY
