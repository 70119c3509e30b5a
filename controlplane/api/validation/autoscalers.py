"""HorizontalPodAutoscalers, as autoscaling/v2: what other versions hold is checked after their conversion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controlplane.api import names, quantity
from controlplane.api.autoscaling_v2 import (
    ContainerResourceMetricSource,
    CrossVersionObjectReference,
    ExternalMetricSource,
    HorizontalPodAutoscaler,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricTarget,
    ObjectMetricSource,
    PodsMetricSource,
    ResourceMetricSource,
)
from controlplane.api.base import Quantity
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import at_least_zero, checked, forbidden, invalid, not_supported, required
from controlplane.api.validation.resources import validate_container_resource

_SOURCES: Mapping[str, str] = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SELECT_POLICIES = ("Disabled", "Max", "Min")
_POLICY_TYPES = ("Percent", "Pods")
_LONGEST_WINDOW = 3600  # seconds
_LONGEST_PERIOD = 1800  # seconds


def validate_autoscaler(autoscaler: HorizontalPodAutoscaler) -> list[FieldError]:
    spec, errors = autoscaler.spec, list[FieldError]()
    least, most = spec.min_replicas, spec.max_replicas or 0
    if least is not None and least < 0:
        errors.append(invalid("spec.minReplicas", least, "must be greater than or equal to 0"))
    if most < 1:
        errors.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        errors.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    errors += _validate_target_reference(spec.scale_target_ref or CrossVersionObjectReference())
    for index, metric in enumerate(spec.metrics):
        errors += _validate_metric(metric, f"spec.metrics[{index}]")
    # Pods that are not there use no CPU: only a metric from elsewhere can say that they are wanted again.
    if least == 0 and not any(metric.type in ("Object", "External") for metric in spec.metrics):
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(forbidden("spec.metrics", why))
    if spec.behavior is not None:
        errors += _validate_rules(spec.behavior.scale_up, "spec.behavior.scaleUp")
        errors += _validate_rules(spec.behavior.scale_down, "spec.behavior.scaleDown")
    return errors


def validate_autoscaler_status(new: HorizontalPodAutoscaler, old: object) -> list[FieldError]:
    status = new.status
    return [
        *at_least_zero("status.currentReplicas", status.current_replicas),
        *at_least_zero("status.desiredReplicas", status.desired_replicas),
    ]


def _validate_target_reference(reference: CrossVersionObjectReference) -> Iterator[FieldError]:
    path = "spec.scaleTargetRef"
    yield from _validate_reference(reference, path)
    version = reference.api_version
    # The only kind with a scale subresource that is in no group.
    if "/" not in version and reference.kind != "ReplicationController":
        yield invalid(f"{path}.apiVersion", version, "apiVersion must specify API group")


def _validate_reference(reference: CrossVersionObjectReference, path: str) -> Iterator[FieldError]:
    for field, value in (("kind", reference.kind), ("name", reference.name)):
        if not value:
            yield required(f"{path}.{field}")
        else:
            yield from checked(f"{path}.{field}", value, names.path_segment(value))
    if reference.api_version.count("/") > 1:
        why = f"unexpected GroupVersion string: {reference.api_version}"
        yield invalid(f"{path}.apiVersion", reference.api_version, why)


def _validate_metric(metric: MetricSpec, path: str) -> Iterator[FieldError]:
    if not metric.type:
        yield required(f"{path}.type", "must specify a metric source type")
    if metric.type not in _SOURCES:
        yield not_supported(f"{path}.type", metric.type, _SOURCES)
    present = [field for field in ("object", "external", "pods", "resource") if getattr(metric, field) is not None]
    if metric.container_resource is not None:
        present.append("containerResource")
    if present:
        yield from _validate_source(metric, present[0], f"{path}.{present[0]}")
    expected = _SOURCES.get(metric.type, "")
    if expected and expected not in present:
        yield required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(present) > 1:
        for field in present:
            if field != expected:
                yield forbidden(f"{path}.{field}", "must populate the given metric source only")


def _validate_source(metric: MetricSpec, field: str, path: str) -> Iterator[FieldError]:
    match field:
        case "object" if metric.object is not None:
            yield from _validate_object(metric.object, path)
        case "external" if metric.external is not None:
            yield from _validate_external(metric.external, path)
        case "pods" if metric.pods is not None:
            yield from _validate_pods(metric.pods, path)
        case "resource" if metric.resource is not None:
            yield from _validate_resource(metric.resource, path)
        case "containerResource" if metric.container_resource is not None:
            yield from _validate_container(metric.container_resource, path)


def _validate_object(source: ObjectMetricSource, path: str) -> Iterator[FieldError]:
    yield from _validate_reference(source.described_object or CrossVersionObjectReference(), f"{path}.describedObject")
    yield from _validate_identifier(source.metric, f"{path}.metric")
    target = source.target or MetricTarget()
    yield from _validate_target(target, f"{path}.target")
    if target.value is None and target.average_value is None:
        yield required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _validate_external(source: ExternalMetricSource, path: str) -> Iterator[FieldError]:
    yield from _validate_identifier(source.metric, f"{path}.metric")
    target = source.target or MetricTarget()
    yield from _validate_target(target, f"{path}.target")
    if target.value is None and target.average_value is None:
        why = "must set either a target value for metric or a per-pod target"
        yield required(f"{path}.target.averageValue", why)
    if target.value is not None and target.average_value is not None:
        why = "may not set both a target value for metric and a per-pod target"
        yield forbidden(f"{path}.target.value", why)


def _validate_pods(source: PodsMetricSource, path: str) -> Iterator[FieldError]:
    yield from _validate_identifier(source.metric, f"{path}.metric")
    target = source.target or MetricTarget()
    yield from _validate_target(target, f"{path}.target")
    if target.average_value is None:
        yield required(f"{path}.target.averageValue", "must specify a positive target averageValue")


def _validate_resource(source: ResourceMetricSource, path: str) -> Iterator[FieldError]:
    if not source.name:
        yield required(f"{path}.name", "must specify a resource name")
    yield from _validate_resource_target(source.target or MetricTarget(), f"{path}.target")


def _validate_container(source: ContainerResourceMetricSource, path: str) -> Iterator[FieldError]:
    if not source.name:
        yield required(f"{path}.name", "must specify a resource name")
    else:
        yield from validate_container_resource(source.name, f"{path}.name")
    if not source.container:
        yield required(f"{path}.container", "must specify a container")
    else:
        yield from checked(f"{path}.container", source.container, names.dns1123_label(source.container))
    yield from _validate_resource_target(source.target or MetricTarget(), f"{path}.target")


def _validate_resource_target(target: MetricTarget, path: str) -> Iterator[FieldError]:
    yield from _validate_target(target, path)
    if target.average_utilization is None and target.average_value is None:
        why = "must set either a target raw value or a target utilization"
        yield required(f"{path}.averageUtilization", why)
    if target.average_utilization is not None and target.average_value is not None:
        why = "may not set both a target raw value and a target utilization"
        yield forbidden(f"{path}.averageValue", why)


def _validate_target(target: MetricTarget, path: str) -> Iterator[FieldError]:
    if not target.type:
        yield required(f"{path}.type", "must specify a metric target type")
    if target.type not in ("Utilization", "Value", "AverageValue"):
        yield invalid(f"{path}.type", target.type, "must be either Utilization, Value, or AverageValue")
    for field, amount in (("value", target.value), ("averageValue", target.average_value)):
        if amount is not None and not _is_positive(amount):
            yield invalid(f"{path}.{field}", amount, "must be positive")
    if target.average_utilization is not None and target.average_utilization < 1:
        yield invalid(f"{path}.averageUtilization", target.average_utilization, "must be greater than 0")


def _validate_identifier(metric: MetricIdentifier | None, path: str) -> Iterator[FieldError]:
    name = metric.name if metric else ""
    if not name:
        yield required(f"{path}.name", "must specify a metric name")
    else:
        yield from checked(f"{path}.name", name, names.path_segment(name))


def _is_positive(amount: Quantity) -> bool:
    return quantity.amount(amount).nanos > 0


def _validate_rules(rules: HPAScalingRules | None, path: str) -> Iterator[FieldError]:
    if rules is None:
        return
    window, at = rules.stabilization_window_seconds, f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        yield invalid(at, window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        yield invalid(at, window, f"must be less than or equal to {_LONGEST_WINDOW}")
    if rules.select_policy and rules.select_policy not in _SELECT_POLICIES:
        yield not_supported(f"{path}.selectPolicy", rules.select_policy, _SELECT_POLICIES)
    if not rules.policies:
        yield required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.policies):
        yield from _validate_policy(policy, f"{path}.policies[{index}]")
    if rules.tolerance is not None and quantity.amount(rules.tolerance).nanos < 0:
        yield invalid(f"{path}.tolerance", rules.tolerance, "must be greater than or equal to 0")


def _validate_policy(policy: HPAScalingPolicy, path: str) -> Iterator[FieldError]:
    if policy.type not in _POLICY_TYPES:
        yield not_supported(f"{path}.type", policy.type, _POLICY_TYPES)
    value, period = policy.value or 0, policy.period_seconds or 0
    if value <= 0:
        yield invalid(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        yield invalid(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > _LONGEST_PERIOD:
        yield invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_LONGEST_PERIOD}")
