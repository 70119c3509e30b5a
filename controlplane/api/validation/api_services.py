"""API services: which groups and versions are served, by this server or by another."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.apiregistration_v1 import APIService, APIServiceSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, invalid, not_supported, required, shown

_STATUSES = ("True", "False", "Unknown")
_GROUP_PRIORITIES = range(1, 20_001)
_VERSION_PRIORITIES = range(1, 1001)


def validate_api_service(service: APIService) -> list[FieldError]:
    spec, name = service.spec, service.metadata.name
    errors = []
    wanted = f"{spec.version}.{spec.group}"
    if name and name != wanted and not names.path_segment(name):
        why = f'must be `spec.version+"."+spec.group`: {shown(wanted)}'
        errors.append(invalid("metadata.name", name, why))
    return [*errors, *_validate_place(spec), *_validate_backend(spec)]


def _validate_place(spec: APIServiceSpec) -> Iterator[FieldError]:
    if not spec.group and spec.version != "v1":
        yield required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    if spec.group:
        yield from checked("spec.group", spec.group, names.dns1123_subdomain(spec.group))
    yield from checked("spec.version", spec.version, names.dns1035_label(spec.version))
    group, version = spec.group_priority_minimum or 0, spec.version_priority or 0
    if group not in _GROUP_PRIORITIES:
        yield invalid("spec.groupPriorityMinimum", group, "must be positive and less than 20000")
    if version not in _VERSION_PRIORITIES:
        yield invalid("spec.versionPriority", version, "must be positive and less than 1000")


def _validate_backend(spec: APIServiceSpec) -> Iterator[FieldError]:
    service, insecure = spec.service, "spec.insecureSkipTLSVerify"
    if service is None:
        if spec.ca_bundle:
            size = f"{len(spec.ca_bundle) * 3 // 4 - spec.ca_bundle.count('=')} bytes"  # of what base64 stands for
            yield invalid("spec.caBundle", size, "local APIServices may not have a caBundle")
        if spec.insecure_skip_tls_verify:
            yield invalid(insecure, True, "local APIServices may not have insecureSkipTLSVerify")
        return
    if not service.namespace:
        yield required("spec.service.namespace")
    if not service.name:
        yield required("spec.service.name")
    port = service.port or 0
    if problems := names.port_number(port):
        yield invalid("spec.service.port", port, f"port is not valid: {', '.join(problems)}")
    if spec.insecure_skip_tls_verify and spec.ca_bundle:
        yield invalid(insecure, True, "may not be true if caBundle is present")


def validate_api_service_status(new: APIService, old: APIService) -> list[FieldError]:
    return [
        not_supported(f"status.conditions[{index}].status", condition.status, _STATUSES)
        for index, condition in enumerate(new.status.conditions)
        if condition.status not in _STATUSES
    ]
