"""Ingresses and IngressClasses."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import addresses, names
from controlplane.api.core_v1 import TypedLocalObjectReference
from controlplane.api.networking_v1 import (
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassParametersReference,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
    IngressTLS,
    ServiceBackendPort,
)
from controlplane.api.status import FieldError
from controlplane.api.validation.domain_paths import validate_domain_prefixed_path
from controlplane.api.validation.errors import (
    checked,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
)

CLASS_ANNOTATION = "kubernetes.io/ingress.class"

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_PATH_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_PATH_ENDS = ("/..", "/.")
_SCOPES = ("Cluster", "Namespace")
_CONTROLLER_BYTES = 250


def validate_ingress(ingress: Ingress) -> list[FieldError]:
    spec = ingress.spec
    errors: list[FieldError] = []
    if not spec.rules and spec.default_backend is None:
        errors.append(invalid("spec", spec.rules or None, "either `defaultBackend` or `rules` must be specified"))
    if spec.default_backend is not None:
        errors += _validate_backend(spec.default_backend, "spec.defaultBackend")
    for index, rule in enumerate(spec.rules):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    for index, tls in enumerate(spec.tls):
        errors += _validate_tls(tls, f"spec.tls[{index}]")
    return [*errors, *_validate_class_name(spec)]


def _validate_class_name(spec: IngressSpec) -> list[FieldError]:
    name = spec.ingress_class_name
    return checked("spec.ingressClassName", name, names.dns1123_subdomain(name)) if name else []


def validate_new_ingress(ingress: Ingress) -> list[FieldError]:
    """The annotation of old and the field may both name the class, but not different ones."""
    old, name = ingress.metadata.annotations.get(CLASS_ANNOTATION), ingress.spec.ingress_class_name
    if old is None or not name or old == name:
        return []
    why = "must match `ingressClassName` when both are specified"
    return [invalid(f"annotations.{CLASS_ANNOTATION}", old, why)]


def validate_ingress_status(new: Ingress, old: object) -> list[FieldError]:
    errors: list[FieldError] = []
    balancer = new.status.load_balancer
    for index, one in enumerate(balancer.ingress if balancer else ()):
        at = f"status.loadBalancer.ingress[{index}]"
        if one.ip:
            errors += checked(f"{at}.ip", one.ip, addresses.strict_ip(one.ip))
        if one.hostname:
            errors += checked(f"{at}.hostname", one.hostname, names.dns1123_subdomain(one.hostname))
            if not names.ip_address(one.hostname):
                errors.append(invalid(f"{at}.hostname", one.hostname, "must be a DNS name, not an IP address"))
    return errors


def _validate_host(host: str, path: str) -> Iterator[FieldError]:
    check = names.wildcard_dns1123_subdomain if "*" in host else names.dns1123_subdomain
    yield from checked(path, host, check(host))


def _validate_rule(rule: IngressRule, path: str) -> Iterator[FieldError]:
    if rule.host:
        if not names.ip_address(rule.host):
            yield invalid(f"{path}.host", rule.host, "must be a DNS name, not an IP address")
        yield from _validate_host(rule.host, f"{path}.host")
    if rule.http is None:
        return
    if not rule.http.paths:
        yield required(f"{path}.http.paths")
    for index, one in enumerate(rule.http.paths):
        yield from _validate_path(one, f"{path}.http.paths[{index}]")


def _validate_path(one: HTTPIngressPath, path: str) -> Iterator[FieldError]:
    if not one.path_type:
        yield required(f"{path}.pathType", "pathType must be specified")
        return
    if one.path_type not in _PATH_TYPES:
        yield not_supported(f"{path}.pathType", one.path_type, _PATH_TYPES)
    elif one.path or one.path_type != "ImplementationSpecific":
        if not one.path.startswith("/"):
            yield invalid(f"{path}.path", one.path, "must be an absolute path")
        if one.path_type != "ImplementationSpecific":
            yield from _validate_plain(one.path, f"{path}.path")
    yield from _validate_backend(one.backend or IngressBackend(), f"{path}.backend")


def _validate_plain(text: str, path: str) -> Iterator[FieldError]:
    """Paths that are compared have one spelling."""
    for part in _PATH_PARTS:
        if part in text:
            yield invalid(path, text, f"must not contain '{part}'")
    for end in _PATH_ENDS:
        if text.endswith(end):
            yield invalid(path, text, f"cannot end with '{end}'")


def _validate_tls(tls: IngressTLS, path: str) -> Iterator[FieldError]:
    for index, host in enumerate(tls.hosts):
        yield from _validate_host(host, f"{path}.hosts[{index}]")
    if tls.secret_name:
        yield from checked(f"{path}.secretName", tls.secret_name, names.dns1123_subdomain(tls.secret_name))


def _validate_backend(backend: IngressBackend, path: str) -> Iterator[FieldError]:
    if backend.resource is not None and backend.service is not None:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif backend.resource is not None:
        yield from _validate_reference(backend.resource, f"{path}.resource")
    elif backend.service is not None:
        yield from _validate_service(backend.service, path)
    else:
        yield invalid(path, "", "resource or service backend is required")


def _validate_service(service: IngressServiceBackend, path: str) -> Iterator[FieldError]:
    if not service.name:
        yield required(f"{path}.service.name")
    else:
        yield from checked(f"{path}.service.name", service.name, names.dns1123_label(service.name))
    port = service.port or ServiceBackendPort()
    at = f"{path}.service.port"
    if port.name and port.number:
        yield invalid(path, "", "cannot set both port name & port number")
    elif port.name:
        yield from checked(f"{at}.name", port.name, names.port_name(port.name))
    elif port.number:
        yield from checked(f"{at}.number", port.number, names.port_number(port.number))
    else:
        yield required(path, "port name or number is required")


def _validate_reference(
    reference: TypedLocalObjectReference | IngressClassParametersReference, path: str
) -> Iterator[FieldError]:
    if reference.api_group:
        yield from checked(f"{path}.apiGroup", reference.api_group, names.dns1123_subdomain(reference.api_group))
    for field, value in (("kind", reference.kind), ("name", reference.name)):
        if not value:
            yield required(f"{path}.{field}")
        else:
            yield from checked(f"{path}.{field}", value, names.path_segment(value))


def validate_ingress_class(ingress_class: IngressClass) -> list[FieldError]:
    spec = ingress_class.spec
    errors: list[FieldError] = []
    if len(spec.controller.encode()) > _CONTROLLER_BYTES:
        errors.append(too_long("spec.controller", _CONTROLLER_BYTES))
    errors += validate_domain_prefixed_path("spec.controller", spec.controller)
    if spec.parameters is not None:
        errors += _validate_parameters(spec.parameters, "spec.parameters")
    return errors


def validate_ingress_class_update(new: IngressClass, old: IngressClass) -> list[FieldError]:
    return immutable("spec.controller", new.spec.controller, old.spec.controller)


def _validate_parameters(parameters: IngressClassParametersReference, path: str) -> Iterator[FieldError]:
    yield from _validate_reference(parameters, path)
    scope, namespace = parameters.scope, parameters.namespace
    if not scope:
        yield required(f"{path}.scope")
    elif scope not in _SCOPES:
        yield not_supported(f"{path}.scope", scope, _SCOPES)
    elif scope == "Cluster" and namespace:
        yield forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")
    elif scope == "Namespace" and not namespace:
        yield required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        yield from checked(f"{path}.namespace", namespace, names.dns1123_label(namespace))
