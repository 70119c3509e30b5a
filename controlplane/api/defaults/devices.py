"""Claims of devices and templates of them."""

from __future__ import annotations

from collections.abc import Iterable

from controlplane.api.codec import Document


def default_claim(claim: Document) -> None:
    _default_spec(claim.setdefault("spec", {}))


def default_claim_template(template: Document) -> None:
    _default_spec(template.setdefault("spec", {}).setdefault("spec", {}))


def _default_spec(spec: Document) -> None:
    for request in (spec.get("devices") or {}).get("requests") or ():
        if request.get("exactly") is not None:
            _default_request(request["exactly"])
        for alternative in request.get("firstAvailable") or ():
            _default_request(alternative)


def _default_request(request: Document) -> None:
    """Without a mode one device is wanted, or as many as said."""
    mode = request["allocationMode"] = request.get("allocationMode") or "ExactCount"
    if mode == "ExactCount" and not request.get("count"):
        request["count"] = 1
    _default_tolerations(request.get("tolerations") or ())


def _default_tolerations(tolerations: Iterable[Document]) -> None:
    for toleration in tolerations:
        toleration["operator"] = toleration.get("operator") or "Equal"
