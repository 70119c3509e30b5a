"""Pods, and the pod specs inside templates."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.core_v1 import Pod, PodSpec, PodTemplate, PodTemplateSpec
from controlplane.api.status import FieldError
from controlplane.api.validation.containers import validate_containers
from controlplane.api.validation.errors import (
    at_least_zero,
    checked,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    one_of,
    required,
)
from controlplane.api.validation.metadata import validate_annotated, validate_labels
from controlplane.api.validation.resources import validate_amounts
from controlplane.api.validation.scheduling import validate_scheduling
from controlplane.api.validation.security import validate_pod_security_context
from controlplane.api.validation.volumes import validate_volumes

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")


def validate_pod(pod: Pod) -> list[FieldError]:
    return list(validate_pod_spec(pod.spec, "spec"))


def validate_pod_template(template: PodTemplate) -> list[FieldError]:
    return list(validate_template(template.template, "template"))


def validate_template(template: PodTemplateSpec, path: str) -> Iterator[FieldError]:
    """Check the pods that a workload would make."""
    yield from validate_annotated(template.metadata, f"{path}.metadata")
    yield from validate_pod_spec(template.spec, f"{path}.spec")
    if template.spec.ephemeral_containers:
        yield forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def validate_pod_spec(spec: PodSpec, path: str) -> Iterator[FieldError]:
    yield from validate_volumes(spec.volumes, f"{path}.volumes")
    yield from validate_containers(spec, path)
    yield from one_of(f"{path}.restartPolicy", spec.restart_policy, _RESTART_POLICIES)
    yield from _validate_dns(spec, path)
    if spec.node_selector:
        yield from validate_labels(spec.node_selector, f"{path}.nodeSelector")
    yield from validate_pod_security_context(spec, path)
    yield from _validate_names(spec, path)
    yield from _validate_numbers(spec, path)
    yield from validate_scheduling(spec, path)
    yield from _validate_others(spec, path)


def _validate_dns(spec: PodSpec, path: str) -> Iterator[FieldError]:
    yield from one_of(f"{path}.dnsPolicy", spec.dns_policy, _DNS_POLICIES)
    config = spec.dns_config
    if spec.dns_policy == "None" and config is None:
        yield required(f"{path}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
    if config is None:
        return
    if spec.dns_policy == "None" and not config.nameservers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield required(f"{path}.dnsConfig.nameservers", why)
    if len(config.nameservers) > 3:
        yield invalid(f"{path}.dnsConfig.nameservers", config.nameservers, "must not have more than 3 nameservers")
    for index, server in enumerate(config.nameservers):
        yield from checked(f"{path}.dnsConfig.nameservers[{index}]", server, names.ip_address(server))
    if len(config.searches) > 32:
        yield invalid(f"{path}.dnsConfig.searches", config.searches, "must not have more than 32 search paths")
    for index, option in enumerate(config.options):
        if not option.name:
            yield required(f"{path}.dnsConfig.options[{index}]", "must not be empty")


def _validate_names(spec: PodSpec, path: str) -> Iterator[FieldError]:
    for field, name, check in (
        ("serviceAccountName", spec.service_account_name, names.dns1123_subdomain),
        ("nodeName", spec.node_name, names.dns1123_subdomain),
        ("hostname", spec.hostname, names.dns1123_label),
        ("subdomain", spec.subdomain, names.dns1123_label),
        ("priorityClassName", spec.priority_class_name, names.dns1123_subdomain),
        ("runtimeClassName", spec.runtime_class_name, names.dns1123_subdomain),
    ):
        if name:
            yield from checked(f"{path}.{field}", name, check(name))


def _validate_numbers(spec: PodSpec, path: str) -> Iterator[FieldError]:
    deadline = spec.active_deadline_seconds
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        yield invalid(f"{path}.activeDeadlineSeconds", deadline, names.in_range(1, 2**31 - 1))
    yield from at_least_zero(f"{path}.terminationGracePeriodSeconds", spec.termination_grace_period_seconds)
    yield from validate_amounts(spec.overhead, f"{path}.overhead")


def _validate_others(spec: PodSpec, path: str) -> Iterator[FieldError]:
    for index, alias in enumerate(spec.host_aliases):
        yield from checked(f"{path}.hostAliases[{index}].ip", alias.ip, names.ip_address(alias.ip))
        for at, host in enumerate(alias.hostnames):
            yield from checked(f"{path}.hostAliases[{index}].hostnames[{at}]", host, names.dns1123_subdomain(host))
    if spec.preemption_policy not in ("", "PreemptLowerPriority", "Never"):
        yield not_supported(f"{path}.preemptionPolicy", spec.preemption_policy, ("PreemptLowerPriority", "Never"))
    for index, gate in enumerate(spec.readiness_gates):
        problems = names.qualified_name(gate.condition_type)
        yield from checked(f"{path}.readinessGates[{index}].conditionType", gate.condition_type, problems)
    if spec.os is not None and spec.os.name not in ("linux", "windows"):
        yield not_supported(f"{path}.os.name", spec.os.name, ("linux", "windows"))
    seen: set[str] = set()
    for index, claim in enumerate(spec.resource_claims):
        if claim.name in seen:
            yield duplicate(f"{path}.resourceClaims[{index}].name", claim.name)
        seen.add(claim.name)
