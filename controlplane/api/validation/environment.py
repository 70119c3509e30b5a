"""The environment of containers: variables, where their values come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from controlplane.api import names, quantity
from controlplane.api.core_v1 import (
    Container,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    EphemeralContainer,
    ObjectFieldSelector,
    ResourceFieldSelector,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, invalid, not_supported, required

_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_KNOWN = frozenset((*_FIELDS, "metadata.annotations", "metadata.labels", "spec.hostname", "status.phase"))
_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.*)'\]")
_RESOURCES = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
    "requests.memory",
)  # fmt: skip
_DIVISORS = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}


def validate_environment(container: Container | EphemeralContainer, path: str) -> Iterator[FieldError]:
    for index, variable in enumerate(container.env):
        yield from _validate_variable(variable, f"{path}.env[{index}]")
    for index, source in enumerate(container.env_from):
        yield from _validate_env_from(source, f"{path}.envFrom[{index}]")


def _validate_variable(variable: EnvVar, path: str) -> Iterator[FieldError]:
    if not variable.name:
        yield required(f"{path}.name")
    else:
        yield from checked(f"{path}.name", variable.name, names.env_name(variable.name))
    if variable.value_from is not None:
        yield from _validate_source(variable.value_from, variable.value, f"{path}.valueFrom")


def _validate_source(source: EnvVarSource, value: str, path: str) -> Iterator[FieldError]:
    given = 0
    if source.field_ref is not None:
        given += 1
        yield from validate_field_reference(source.field_ref, f"{path}.fieldRef", _FIELDS, subscripts=True)
    if source.resource_field_ref is not None:
        given += 1
        yield from validate_resource_reference(source.resource_field_ref, f"{path}.resourceFieldRef")
    for field, reference in (("configMapKeyRef", source.config_map_key_ref), ("secretKeyRef", source.secret_key_ref)):
        if reference is not None:
            given += 1
            yield from _validate_key(reference.name, reference.key, f"{path}.{field}")
    given += source.file_key_ref is not None
    if not given:
        choices = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        yield invalid(path, "", f"must specify one of: {choices}")
    elif value:
        yield invalid(path, "", "may not be specified when `value` is not empty")
    elif given > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")


def _validate_key(name: str, key: str, path: str) -> Iterator[FieldError]:
    if not name:
        yield required(f"{path}.name")
    if not key:
        yield required(f"{path}.key")
    else:
        yield from checked(f"{path}.key", key, names.config_key(key))


def validate_field_reference(
    reference: ObjectFieldSelector, path: str, supported: Sequence[str], *, subscripts: bool
) -> Iterator[FieldError]:
    """Check a reference to a field of the pod itself."""
    field = reference.field_path
    if not reference.api_version:
        yield required(f"{path}.apiVersion")
        return
    if not field:
        yield required(f"{path}.fieldPath")
        return
    subscript = _SUBSCRIPT.fullmatch(field)
    if subscript and subscripts:
        key = subscript[2].lower() if subscript[1].endswith("annotations") else subscript[2]
        yield from checked(path, subscript[2], names.qualified_name(key))
    elif field not in _KNOWN:
        yield invalid(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")
    elif field not in supported:
        yield not_supported(f"{path}.fieldPath", field, supported)


def validate_resource_reference(
    reference: ResourceFieldSelector, path: str, *, volume: bool = False
) -> Iterator[FieldError]:
    """Check a reference to a request or limit of a container."""
    if volume and not reference.container_name:
        yield required(f"{path}.containerName")
    if not reference.resource:
        yield required(f"{path}.resource")
    elif reference.resource not in _RESOURCES and ".hugepages-" not in reference.resource:
        yield not_supported(f"{path}.resource", reference.resource, _RESOURCES)
    elif reference.divisor is not None:
        yield from _validate_divisor(reference, f"{path}.divisor")


def _validate_divisor(reference: ResourceFieldSelector, path: str) -> Iterator[FieldError]:
    kind = "cpu" if reference.resource.endswith(".cpu") else "memory"
    divisor = quantity.amount(reference.divisor or 0).nanos
    if divisor and divisor not in {quantity.amount(one).nanos for one in _DIVISORS[kind]}:
        resource = reference.resource.partition(".")[2]
        listed = "1m and 1" if kind == "cpu" else "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
        why = f"only divisor's values {listed} are supported with the {resource} resource"
        yield invalid(path, reference.divisor, why)


def _validate_env_from(source: EnvFromSource, path: str) -> Iterator[FieldError]:
    if source.prefix:
        yield from checked(f"{path}.prefix", source.prefix, names.env_name(source.prefix))
    given = [
        (field, reference)
        for field, reference in (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref))
        if reference is not None
    ]
    for field, reference in given:
        if not reference.name:
            yield required(f"{path}.{field}.name")
    if not given:
        yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")
