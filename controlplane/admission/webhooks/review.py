"""AdmissionReview: what a webhook is asked, as bytes, and what it answered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from controlplane.admission.requests import Versioned
from controlplane.api.meta_v1 import Status

_Kind = TypeVar("_Kind", list[Any], dict[str, Any])
_VERSIONS = ("v1", "v1beta1")


class InvalidReview(ValueError):
    """An answer that breaks the rules of AdmissionReview, with upstream's words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook decided."""

    allowed: bool
    status: Status
    patch: Any = None  # a decoded JSON patch; None: nothing is to be changed
    warnings: Sequence[str] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


def version_for(accepted: Sequence[str]) -> str:
    """Return the version to ask in, the first known one that the webhook accepts; "": there is none."""
    return next((one for one in accepted if one in _VERSIONS), "")


def question(versioned: Versioned, uid: str, version: str) -> bytes:
    """Return the AdmissionReview that asks about a request."""
    request = {"uid": uid, **versioned.request(), "object": versioned.document, "oldObject": versioned.old}
    review = {"kind": "AdmissionReview", "apiVersion": f"admission.k8s.io/{version}", "request": request}
    return msgspec.json.encode(review)


def verdict(body: bytes, uid: str, version: str, *, mutating: bool) -> Verdict:
    """Return what an answer says. Raises InvalidReview."""
    try:
        review = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidReview(f"couldn't get version/kind; json parse error: {error}") from error
    response = review.get("response") if isinstance(review, dict) else None
    if not isinstance(response, dict):
        raise InvalidReview("webhook response was absent")
    if version == "v1":
        _check(review, response, uid, mutating)
    try:
        status = msgspec.convert(response.get("status") or {}, Status)
    except msgspec.ValidationError as error:
        raise InvalidReview(f"json: cannot unmarshal response.status: {error}") from error
    return Verdict(
        allowed=response.get("allowed") is True,
        status=status,
        patch=_patch(response) if mutating else None,
        warnings=[str(one) for one in _field(response, "warnings", list)],
        annotations={str(key): str(value) for key, value in _field(response, "auditAnnotations", dict).items()},
    )


def _field(response: Mapping[str, Any], name: str, kind: type[_Kind]) -> _Kind:
    """Return what the answer holds there, empty if nothing. Raises InvalidReview when it is of another type."""
    value = response.get(name) or kind()
    if not isinstance(value, kind):
        raise InvalidReview(f"json: cannot unmarshal response.{name}: it is no {kind.__name__}")
    return value


def _check(review: Mapping[str, Any], response: Mapping[str, Any], uid: str, mutating: bool) -> None:
    if response.get("uid") != uid:
        raise InvalidReview(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    kind, api_version = review.get("kind") or "", review.get("apiVersion") or ""
    if (api_version, kind) != ("admission.k8s.io/v1", "AdmissionReview"):
        raise InvalidReview(
            f"expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {api_version}, Kind={kind}"
        )
    patch, patch_type = response.get("patch"), response.get("patchType")
    if not mutating:
        if patch:
            raise InvalidReview("validating webhook may not return response.patch")
        if patch_type is not None:
            raise InvalidReview("validating webhook may not return response.patchType")
        return
    if patch and patch_type is None:
        raise InvalidReview("webhook returned response.patch but not response.patchType")
    if not patch and patch_type is not None:
        raise InvalidReview("webhook returned response.patchType but not response.patch")
    if patch_type == "":
        raise InvalidReview('webhook returned invalid response.patchType of ""')


class UnsupportedPatch(ValueError):
    """A patch that cannot be read, or of a type that nobody understands."""


def _patch(response: Mapping[str, Any]) -> Any:
    encoded = response.get("patch")
    if not encoded:
        return None
    patch_type = response.get("patchType") or "JSONPatch"
    if patch_type != "JSONPatch":
        raise UnsupportedPatch(f'unsupported patch type "{patch_type}"')
    try:
        return msgspec.json.decode(base64.b64decode(encoded, validate=True)) or None
    except (binascii.Error, TypeError, ValueError) as error:
        raise UnsupportedPatch(f"received undecodable patch in webhook response: {error}") from error
