"""Resource claims and templates of them: which devices a workload asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TypeAlias

from controlplane.api.meta_v1 import ObjectMeta
from controlplane.api.resource_v1 import (
    DeviceClaim,
    DeviceClaimConfiguration,
    DeviceConstraint,
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimTemplate,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.devices import (
    each,
    each_once,
    validate_class_name,
    validate_full_name,
    validate_label,
    validate_opaque,
    validate_selectors,
    validate_toleration,
)
from controlplane.api.validation.errors import (
    immutable,
    invalid,
    not_supported,
    required,
)
from controlplane.api.validation.metadata import validate_annotated

_REQUESTS = _CONSTRAINTS = _CONFIGS = 32
_ALTERNATIVES = 8
_MODES = ("All", "ExactCount")
_ONE_WAY = "exactly one of `exactly` or `firstAvailable` is required"
_NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

Names: TypeAlias = Mapping[str, Set[str]]
"""The requests of a claim, each with the names of its alternatives."""


def validate_claim(claim: ResourceClaim) -> list[FieldError]:
    return list(_validate_devices(claim.spec.devices or DeviceClaim(), "spec.devices"))


def validate_claim_update(new: ResourceClaim, old: ResourceClaim) -> list[FieldError]:
    return immutable("spec", new.spec, old.spec)


def validate_claim_template(template: ResourceClaimTemplate) -> list[FieldError]:
    spec = template.spec
    errors = validate_annotated(spec.metadata or ObjectMeta(), "spec.metadata")
    return [*errors, *_validate_devices(spec.spec.devices or DeviceClaim(), "spec.spec.devices")]


def validate_claim_template_update(new: ResourceClaimTemplate, old: ResourceClaimTemplate) -> list[FieldError]:
    return immutable("spec", new.spec, old.spec)


def names_of(claim: DeviceClaim) -> Names:
    return {request.name: {one.name for one in request.first_available} for request in claim.requests}


def _validate_devices(claim: DeviceClaim, path: str) -> Iterator[FieldError]:
    known = names_of(claim)

    def constraint(value: DeviceConstraint, at: str) -> Iterator[FieldError]:
        return _validate_constraint(value, at, known)

    def config(value: DeviceClaimConfiguration, at: str) -> Iterator[FieldError]:
        yield from validate_references(value.requests, f"{at}.requests", known)
        yield from validate_opaque(value.opaque, f"{at}.opaque")

    yield from each_once(claim.requests, _REQUESTS, f"{path}.requests", _validate_request, lambda one: one.name)
    yield from each(claim.constraints, _CONSTRAINTS, f"{path}.constraints", constraint)
    yield from each(claim.config, _CONFIGS, f"{path}.config", config)


def _validate_request(request: DeviceRequest, path: str) -> Iterator[FieldError]:
    yield from validate_label(request.name, f"{path}.name")
    exactly, alternatives = request.exactly, request.first_available
    if exactly is None and not alternatives:
        yield required(path, _ONE_WAY)
    elif exactly is not None and alternatives:
        yield invalid(path, None, f"{_ONE_WAY}, but multiple fields are set")
    elif exactly is not None:
        yield from _validate_wanted(exactly, f"{path}.exactly")
    else:
        at = f"{path}.firstAvailable"
        yield from each_once(alternatives, _ALTERNATIVES, at, _validate_alternative, lambda one: one.name)


def _validate_alternative(request: DeviceSubRequest, path: str) -> Iterator[FieldError]:
    yield from validate_label(request.name, f"{path}.name")
    yield from _validate_wanted(request, path)


def _validate_wanted(request: ExactDeviceRequest | DeviceSubRequest, path: str) -> Iterator[FieldError]:
    yield from validate_class_name(request.device_class_name, f"{path}.deviceClassName")
    yield from validate_selectors(request.selectors, f"{path}.selectors")
    mode, count = request.allocation_mode, request.count or 0
    if mode not in _MODES:
        yield not_supported(f"{path}.allocationMode", mode, _MODES)
    elif mode == "All" and count:
        yield invalid(f"{path}.count", count, f"must not be specified when allocationMode is '{mode}'")
    elif mode == "ExactCount" and count <= 0:
        yield invalid(f"{path}.count", count, "must be greater than zero")
    for index, toleration in enumerate(request.tolerations):
        yield from validate_toleration(toleration, f"{path}.tolerations[{index}]")


def _validate_constraint(constraint: DeviceConstraint, path: str, known: Names) -> Iterator[FieldError]:
    yield from validate_references(constraint.requests, f"{path}.requests", known)
    if constraint.match_attribute:
        yield from validate_full_name(constraint.match_attribute, f"{path}.matchAttribute")
    elif constraint.distinct_attribute:
        yield from validate_full_name(constraint.distinct_attribute, f"{path}.distinctAttribute")
    else:
        why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        yield required(path, why)


def validate_references(references: list[str], path: str, known: Names) -> Iterator[FieldError]:
    def reference(name: str, at: str) -> Iterator[FieldError]:
        return validate_reference(name, at, known)

    yield from each_once(references, _REQUESTS, path, reference, str)


def validate_reference(name: str, path: str, known: Names) -> Iterator[FieldError]:
    request, slash, alternative = name.partition("/")
    if "/" in alternative:
        yield invalid(path, name, _NO_REQUEST)
        return
    for part in name.split("/"):
        yield from validate_label(part, path)
    if request not in known or (slash and alternative not in known[request]):
        yield invalid(path, name, _NO_REQUEST)
