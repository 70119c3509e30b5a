"""Containers: regular, init and ephemeral."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from controlplane.api import names
from controlplane.api.core_v1 import Container, ContainerPort, EphemeralContainer, PodSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.environment import validate_environment
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    one_of,
    required,
)
from controlplane.api.validation.probes import validate_lifecycle, validate_probes
from controlplane.api.validation.resources import validate_requirements
from controlplane.api.validation.security import validate_security_context
from controlplane.api.validation.volumes import validate_mounts

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")

_Known: TypeAlias = tuple[bytes, bool, bool]


def validate_containers(spec: PodSpec, path: str) -> Iterator[FieldError]:
    """Check every container of a pod, and that no two of them have the same name or the same host port."""
    volumes, taken = {volume.name for volume in spec.volumes}, set[str]()
    if not spec.containers:
        yield required(f"{path}.containers")
    ports: set[tuple[str, str, int]] = set()
    for index, container in enumerate(spec.containers):
        at = f"{path}.containers[{index}]"
        if (known := _known(container, spec)) in _right:
            yield from _validate_name(container.name, taken, at)
            yield from validate_mounts(container, volumes, at)
        else:
            errors = list(_validate_regular(container, spec, volumes, taken, at))
            yield from errors
            if not errors:
                _remember(known)
        yield from _validate_host_ports(container, ports, at)
    for index, container in enumerate(spec.init_containers):
        yield from _validate_init(container, spec, volumes, taken, f"{path}.initContainers[{index}]")
    for index, ephemeral in enumerate(spec.ephemeral_containers):
        yield from _validate_ephemeral(ephemeral, spec, volumes, taken, f"{path}.ephemeralContainers[{index}]")


def _validate_regular(
    container: Container, spec: PodSpec, volumes: set[str], taken: set[str], path: str
) -> Iterator[FieldError]:
    yield from _validate_container(container, spec, volumes, taken, path)
    yield from validate_lifecycle(container, path)
    yield from validate_probes(container, path)
    if container.restart_policy and container.restart_policy not in _RESTART_POLICIES:
        yield not_supported(f"{path}.restartPolicy", container.restart_policy, _RESTART_POLICIES)


# Containers that were found right. The pods of a workload have the same ones over and over, but for where they mount
# the volume with their token, whose name is made up for each pod.
_right: set[_Known] = set()
_MOST_REMEMBERED = 1024


def _known(container: Container, spec: PodSpec) -> _Known:
    """Return all that decides whether a container is right, its name and mounts in this pod aside."""
    alone = msgspec.structs.replace(container, volume_mounts=[])
    return _encode(alone), bool(spec.host_network), spec.host_users is False


_encode = msgspec.json.Encoder().encode


def _remember(known: _Known) -> None:
    if len(_right) >= _MOST_REMEMBERED:
        _right.clear()
    _right.add(known)


def _validate_container(
    container: Container | EphemeralContainer, spec: PodSpec, volumes: set[str], taken: set[str], path: str
) -> Iterator[FieldError]:
    yield from _validate_name(container.name, taken, path)
    if not container.image:
        yield required(f"{path}.image")
    elif container.image != container.image.strip():
        yield invalid(f"{path}.image", container.image, "must not have leading or trailing whitespace")
    yield from one_of(f"{path}.terminationMessagePolicy", container.termination_message_policy, _MESSAGE_POLICIES)
    yield from one_of(f"{path}.imagePullPolicy", container.image_pull_policy, _PULL_POLICIES)
    if container.ports:
        yield from _validate_ports(container.ports, spec, f"{path}.ports")
    yield from validate_environment(container, path)
    yield from validate_mounts(container, volumes, path)
    yield from validate_requirements(container.resources, f"{path}.resources")
    yield from validate_security_context(container.security_context, spec, f"{path}.securityContext")
    for index, policy in enumerate(container.resize_policy):
        if policy.restart_policy not in _RESIZE_POLICIES:
            yield not_supported(f"{path}.resizePolicy[{index}].restartPolicy", policy.restart_policy, _RESIZE_POLICIES)


def _validate_name(name: str, taken: set[str], path: str) -> Iterator[FieldError]:
    if not name:
        yield required(f"{path}.name")
        return
    yield from checked(f"{path}.name", name, names.dns1123_label(name))
    if name in taken:
        yield duplicate(f"{path}.name", name)
    taken.add(name)


def _validate_ports(ports: list[ContainerPort], spec: PodSpec, path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        if port.name:
            problems = names.port_name(port.name)
            yield from checked(f"{at}.name", port.name, problems)
            if not problems and port.name in seen:
                yield duplicate(f"{at}.name", port.name)
            seen.add(port.name)
        if not port.container_port:
            yield required(f"{at}.containerPort")
        else:
            yield from checked(f"{at}.containerPort", port.container_port, names.port_number(port.container_port))
        if port.host_port:
            yield from checked(f"{at}.hostPort", port.host_port, names.port_number(port.host_port))
        yield from one_of(f"{at}.protocol", port.protocol, PROTOCOLS)
        if port.host_ip:
            yield from checked(f"{at}.hostIP", port.host_ip, names.ip_address(port.host_ip))
        if spec.host_network and port.host_port != port.container_port:
            why = "must match `hostPort` when `hostNetwork` is true"
            yield invalid(f"{at}.containerPort", port.container_port, why)


def _validate_host_ports(container: Container, taken: set[tuple[str, str, int]], path: str) -> Iterator[FieldError]:
    for index, port in enumerate(container.ports):
        if not port.host_port:
            continue
        key = (port.protocol, port.host_ip, port.host_port)
        if key in taken:
            yield duplicate(f"{path}.ports[{index}].hostPort", f"{port.protocol}/{port.host_ip}/{port.host_port}")
        taken.add(key)


def _validate_init(
    container: Container, spec: PodSpec, volumes: set[str], taken: set[str], path: str
) -> Iterator[FieldError]:
    """An init container runs to its end, unless it restarts: then it is a sidecar and may have hooks and probes."""
    yield from _validate_container(container, spec, volumes, taken, path)
    yield from _validate_host_ports(container, set(), path)
    if container.restart_policy and container.restart_policy not in _RESTART_POLICIES:
        yield not_supported(f"{path}.restartPolicy", container.restart_policy, _RESTART_POLICIES)
    if container.restart_policy == "Always":
        yield from validate_lifecycle(container, path)
        yield from validate_probes(container, path)
        return
    for field, value in (
        ("lifecycle", container.lifecycle),
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if value is not None:
            yield forbidden(f"{path}.{field}", "may not be set for init containers without restartPolicy=Always")


def _validate_ephemeral(
    container: EphemeralContainer, spec: PodSpec, volumes: set[str], taken: set[str], path: str
) -> Iterator[FieldError]:
    yield from _validate_container(container, spec, volumes, taken, path)
    if container.target_container_name and container.target_container_name not in taken:
        yield not_found(f"{path}.targetContainerName", container.target_container_name)
    for field, value in (
        ("ports", container.ports),
        ("lifecycle", container.lifecycle),
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if value:
            yield forbidden(f"{path}.{field}", "cannot be set for an Ephemeral Container")
    if container.resources is not None and (container.resources.limits or container.resources.requests):
        yield forbidden(f"{path}.resources", "cannot be set for an Ephemeral Container")
