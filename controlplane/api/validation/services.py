"""Services."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.core_v1 import Service, ServicePort, ServiceSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import (
    checked,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    one_of,
    required,
)
from controlplane.api.validation.metadata import validate_labels
from controlplane.api.validation.probes import validate_port_or_name

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DAY = 86400  # seconds
_KUBELET_PORT = 10250


def validate_service(service: Service) -> list[FieldError]:
    spec = service.spec
    errors = list(_validate_type(spec))
    errors += _validate_ports(spec)
    if spec.selector:
        errors += validate_labels(spec.selector, "spec.selector")
    errors += _validate_affinity(spec)
    errors += _validate_addresses(spec)
    errors += _validate_traffic(spec)
    return errors


def _headless(spec: ServiceSpec) -> bool:
    return spec.cluster_ip == "None"


def _validate_type(spec: ServiceSpec) -> Iterator[FieldError]:
    if not spec.ports and not _headless(spec) and spec.type != "ExternalName":
        yield required("spec.ports")
    if spec.type in ("LoadBalancer", "NodePort") and _headless(spec):
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {spec.type} services")
    if spec.type == "LoadBalancer":
        for index, port in enumerate(spec.ports):
            if port.port == _KUBELET_PORT:
                why = f"may not expose port {_KUBELET_PORT} externally since it is used by kubelet"
                yield invalid(f"spec.ports[{index}]", port.port, why)
    if spec.type == "ExternalName":
        if spec.cluster_ip:
            yield forbidden("spec.clusterIPs", "may not be set for ExternalName services")
        if not spec.external_name:
            yield required("spec.externalName")
        else:
            name = spec.external_name.removesuffix(".")
            yield from checked("spec.externalName", spec.external_name, names.dns1123_subdomain(name))
    yield from one_of("spec.type", spec.type, _TYPES)


def _validate_ports(spec: ServiceSpec) -> Iterator[FieldError]:
    taken, numbers, node_ports = set[str](), set[tuple[str, int | None]](), set[tuple[str, int]]()
    for index, port in enumerate(spec.ports):
        at = f"spec.ports[{index}]"
        yield from _validate_port(port, at, taken, named=len(spec.ports) > 1)
        if port.node_port and spec.type == "ClusterIP":
            yield forbidden(f"{at}.nodePort", "may not be used when `type` is 'ClusterIP'")
        if port.node_port:
            if (port.protocol, port.node_port) in node_ports:
                yield duplicate(f"{at}.nodePort", port.node_port)
            node_ports.add((port.protocol, port.node_port))
        if (port.protocol, port.port) in numbers:
            yield duplicate(at, {"port": port.port, "protocol": port.protocol})
        numbers.add((port.protocol, port.port))


def _validate_port(port: ServicePort, path: str, taken: set[str], *, named: bool) -> Iterator[FieldError]:
    if not port.name:
        if named:
            yield required(f"{path}.name")
    else:
        yield from checked(f"{path}.name", port.name, names.dns1123_label(port.name))
        if port.name in taken:
            yield duplicate(f"{path}.name", port.name)
        taken.add(port.name)
    yield from checked(f"{path}.port", port.port or 0, names.port_number(port.port or 0))
    yield from one_of(f"{path}.protocol", port.protocol, _PROTOCOLS)
    yield from validate_port_or_name(port.target_port, f"{path}.targetPort")
    if port.app_protocol:
        yield from checked(f"{path}.appProtocol", port.app_protocol, names.qualified_name(port.app_protocol))


def _validate_affinity(spec: ServiceSpec) -> Iterator[FieldError]:
    yield from one_of("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None"))
    config, path = spec.session_affinity_config, "spec.sessionAffinityConfig"
    if spec.session_affinity == "None" and config is not None:
        yield forbidden(path, "must not be set when session affinity is None")
    if spec.session_affinity != "ClientIP":
        return
    when = "when session affinity type is ClientIP"
    if config is None:
        yield required(path, when)
    elif config.client_ip is None:
        yield required(f"{path}.clientIP", when)
    elif config.client_ip.timeout_seconds is None:
        yield required(f"{path}.clientIP.timeoutSeconds", when)
    elif not 0 < config.client_ip.timeout_seconds <= _DAY:
        seconds = config.client_ip.timeout_seconds
        yield invalid(f"{path}.clientIP.timeoutSeconds", seconds, f"must be greater than 0 and less than {_DAY}")


def _validate_addresses(spec: ServiceSpec) -> Iterator[FieldError]:
    for index, address in enumerate(spec.external_ips):
        yield from checked(f"spec.externalIPs[{index}]", address, names.ip_address(address))
    if spec.type == "ExternalName":
        return
    addresses = spec.cluster_ips or ([spec.cluster_ip] if spec.cluster_ip else [])
    if addresses and addresses[0] != spec.cluster_ip:
        yield invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    if len(addresses) > 2:
        yield invalid("spec.clusterIPs", addresses, "may only hold up to 2 values")
    for index, address in enumerate(addresses):
        if address == "None":
            if index:
                yield invalid(f"spec.clusterIPs[{index}]", address, "must be a valid IP address")
        else:
            yield from checked(f"spec.clusterIPs[{index}]", address, names.ip_address(address))
    yield from _validate_families(spec)


def _validate_families(spec: ServiceSpec) -> Iterator[FieldError]:
    if spec.ip_family_policy and spec.ip_family_policy not in _FAMILY_POLICIES:
        yield not_supported("spec.ipFamilyPolicy", spec.ip_family_policy, _FAMILY_POLICIES)
    for index, family in enumerate(spec.ip_families):
        if family not in _FAMILIES:
            yield not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES)
        elif family in spec.ip_families[:index]:
            yield duplicate(f"spec.ipFamilies[{index}]", family)
    if spec.ip_family_policy == "SingleStack":
        why = "must be RequireDualStack or PreferDualStack when multiple"
        if len(spec.ip_families) > 1:
            yield invalid("spec.ipFamilyPolicy", "SingleStack", f"{why} 'ipFamilies' are specified")
        if len(spec.cluster_ips) > 1:
            yield invalid("spec.ipFamilyPolicy", "SingleStack", f"{why} 'clusterIPs' are specified")


def _validate_traffic(spec: ServiceSpec) -> Iterator[FieldError]:
    outside = spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and bool(spec.external_ips))
    if spec.external_traffic_policy:
        if not outside:
            why = "may only be set for externally-accessible services"
            yield invalid("spec.externalTrafficPolicy", spec.external_traffic_policy, why)
        elif spec.external_traffic_policy not in _POLICIES:
            yield not_supported("spec.externalTrafficPolicy", spec.external_traffic_policy, _POLICIES)
    if spec.internal_traffic_policy and spec.internal_traffic_policy not in _POLICIES:
        yield not_supported("spec.internalTrafficPolicy", spec.internal_traffic_policy, _POLICIES)
    elif not spec.internal_traffic_policy and spec.type in ("ClusterIP", "NodePort", "LoadBalancer"):
        yield required("spec.internalTrafficPolicy")
    needs_check = spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"
    if spec.health_check_node_port and not needs_check:
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid("spec.healthCheckNodePort", spec.health_check_node_port, why)
    yield from _validate_load_balancer(spec)


def _validate_load_balancer(spec: ServiceSpec) -> Iterator[FieldError]:
    is_balancer = spec.type == "LoadBalancer"
    if spec.load_balancer_source_ranges and not is_balancer:
        yield forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
    for index, source in enumerate(spec.load_balancer_source_ranges if is_balancer else ()):
        yield from checked(f"spec.LoadBalancerSourceRanges[{index}]", source, names.cidr(source.strip()))
    if spec.allocate_load_balancer_node_ports is not None and not is_balancer:
        why = "may only be used when `type` is 'LoadBalancer'"
        yield forbidden("spec.allocateLoadBalancerNodePorts", why)
    if spec.load_balancer_class and not is_balancer:
        yield forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")
    choices = ("PreferClose", "PreferSameZone", "PreferSameNode")
    if spec.traffic_distribution and spec.traffic_distribution not in choices:
        yield not_supported("spec.trafficDistribution", spec.traffic_distribution, choices)


def validate_service_update(new: Service, old: Service) -> list[FieldError]:
    """A Service keeps its first address for life, unless it stops having one."""
    errors: list[FieldError] = []
    ours, theirs = new.spec, old.spec
    if "ExternalName" in (ours.type, theirs.type) or not theirs.cluster_ip:
        return errors
    if ours.cluster_ip != theirs.cluster_ip:
        errors.append(invalid("spec.clusterIPs[0]", ours.cluster_ips, "may not change once set"))
    if theirs.ip_families and ours.ip_families and ours.ip_families[0] != theirs.ip_families[0]:
        errors.append(invalid("spec.ipFamilies[0]", ours.ip_families[0], "may not change once set"))
    if theirs.type == ours.type == "LoadBalancer":
        if ours.load_balancer_class != theirs.load_balancer_class:
            errors.append(invalid("spec.loadBalancerClass", ours.load_balancer_class, "may not change once set"))
        if theirs.health_check_node_port and ours.health_check_node_port not in (None, theirs.health_check_node_port):
            errors += immutable("spec.healthCheckNodePort", ours.health_check_node_port, theirs.health_check_node_port)
    return errors


def validate_service_status(new: Service, old: Service) -> list[FieldError]:
    errors: list[FieldError] = []
    balancer = new.status.load_balancer
    for index, ingress in enumerate(balancer.ingress if balancer else ()):
        at = f"status.loadBalancer.ingress[{index}]"
        if new.spec.type != "LoadBalancer":
            errors.append(
                forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")
            )
        if ingress.ip:
            errors += checked(f"{at}.ip", ingress.ip, names.ip_address(ingress.ip))
        if ingress.hostname:
            errors += checked(f"{at}.hostname", ingress.hostname, names.dns1123_subdomain(ingress.hostname))
            if not names.ip_address(ingress.hostname):
                errors.append(invalid(f"{at}.hostname", ingress.hostname, "must be a DNS name, not an IP address"))
    return errors
