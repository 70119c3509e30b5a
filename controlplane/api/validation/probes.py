"""Probes and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.base import IntOrString
from controlplane.api.core_v1 import Container, EphemeralContainer, HTTPGetAction, LifecycleHandler, Probe
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, checked, forbidden, invalid, one_of, required


def validate_port_or_name(port: IntOrString | None, path: str) -> list[FieldError]:
    if isinstance(port, str):
        return checked(path, port, names.port_name(port))
    return checked(path, port or 0, names.port_number(port or 0))


def validate_probes(container: Container | EphemeralContainer, path: str) -> Iterator[FieldError]:
    if container.liveness_probe is not None:
        yield from _validate_probe(container.liveness_probe, f"{path}.livenessProbe", once=True)
    if container.readiness_probe is not None:
        probe = container.readiness_probe
        yield from _validate_probe(probe, f"{path}.readinessProbe", once=False)
        if (period := probe.termination_grace_period_seconds) is not None:
            field = f"{path}.readinessProbe.terminationGracePeriodSeconds"
            yield invalid(field, period, "must not be set for readinessProbes")
    if container.startup_probe is not None:
        yield from _validate_probe(container.startup_probe, f"{path}.startupProbe", once=True)


def _validate_probe(probe: Probe, path: str, *, once: bool) -> Iterator[FieldError]:
    yield from _validate_handler(probe, path)
    for field, number in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        yield from at_least_zero(f"{path}.{field}", number)
    if once and probe.success_threshold not in (None, 1):
        yield invalid(f"{path}.successThreshold", probe.success_threshold, "must be 1")
    period = probe.termination_grace_period_seconds
    if period is not None and period <= 0:
        yield invalid(f"{path}.terminationGracePeriodSeconds", period, "must be greater than 0")


def validate_lifecycle(container: Container, path: str) -> Iterator[FieldError]:
    lifecycle = container.lifecycle
    if lifecycle is None:
        return
    for field, handler in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if handler is not None:
            yield from _validate_handler(handler, f"{path}.lifecycle.{field}")


def _validate_handler(handler: Probe | LifecycleHandler, path: str) -> Iterator[FieldError]:
    checks = [check for check in _handlers(handler, path) if check is not None]
    if not checks:
        yield required(path, "must specify a handler type")
    for index, (field, errors) in enumerate(checks):
        if index:
            yield forbidden(f"{path}.{field}", "may not specify more than 1 handler type")
        else:
            yield from errors


def _handlers(handler: Probe | LifecycleHandler, path: str) -> Iterator[tuple[str, list[FieldError]]]:
    if handler.exec is not None:
        yield "exec", [] if handler.exec.command else [required(f"{path}.exec.command")]
    if handler.http_get is not None:
        yield "httpGet", list(_validate_http_get(handler.http_get, f"{path}.httpGet"))
    if handler.tcp_socket is not None:
        yield "tcpSocket", validate_port_or_name(handler.tcp_socket.port, f"{path}.tcpSocket.port")
    if isinstance(handler, Probe):
        if handler.grpc is not None:
            port = handler.grpc.port or 0
            yield "grpc", checked(f"{path}.grpc.port", port, names.port_number(port))
    elif handler.sleep is not None:
        yield "sleep", at_least_zero(f"{path}.sleep.seconds", handler.sleep.seconds)


def _validate_http_get(action: HTTPGetAction, path: str) -> Iterator[FieldError]:
    if not action.path:
        yield required(f"{path}.path")
    yield from validate_port_or_name(action.port, f"{path}.port")
    yield from one_of(f"{path}.scheme", action.scheme, ("HTTP", "HTTPS"))
    for index, header in enumerate(action.http_headers):
        yield from checked(f"{path}.httpHeaders[{index}].name", header.name, names.http_header_name(header.name))
