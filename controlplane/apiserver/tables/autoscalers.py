"""kubectl get horizontalpodautoscalers, poddisruptionbudgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from controlplane.api import autoscaling_v1, autoscaling_v2, quantity
from controlplane.api.autoscaling_v2 import MetricSpec, MetricStatus, MetricTarget, MetricValueStatus
from controlplane.api.base import IntOrString, Quantity
from controlplane.api.policy_v1 import PodDisruptionBudget
from controlplane.apiserver.conversions.horizontal_pod_autoscalers import to_v2
from controlplane.apiserver.tables.printer import AGE, NAME, Cell, Column, Printer
from controlplane.apiserver.tables.texts import NONE, UNKNOWN, UNSET, age

_SHOWN = 2  # metrics


def _autoscaler(autoscaler: autoscaling_v2.HorizontalPodAutoscaler, now: datetime) -> list[Cell]:
    spec, status = autoscaler.spec, autoscaler.status
    target = spec.scale_target_ref
    return [
        autoscaler.metadata.name,
        f"{target.kind}/{target.name}" if target else "/",
        _targets(spec.metrics, status.current_metrics),
        UNSET if spec.min_replicas is None else str(spec.min_replicas),
        spec.max_replicas or 0,
        status.current_replicas or 0,
        age(autoscaler.metadata.creation_timestamp, now),
    ]


def _old_autoscaler(autoscaler: autoscaling_v1.HorizontalPodAutoscaler, now: datetime) -> list[Cell]:
    converted = to_v2(msgspec.to_builtins(autoscaler))
    return _autoscaler(msgspec.convert(converted, autoscaling_v2.HorizontalPodAutoscaler), now)


def _targets(metrics: Sequence[MetricSpec], current: Sequence[MetricStatus]) -> str:
    """cpu: 10%/80%, 3/10 + 1 more..."""
    if not metrics:
        return NONE
    texts = [_metric(metric, current[index] if index < len(current) else None) for index, metric in enumerate(metrics)]
    shown, more = ", ".join(texts[:_SHOWN]), len(texts) - _SHOWN
    return f"{shown} + {more} more..." if more > 0 else shown


def _metric(metric: MetricSpec, status: MetricStatus | None) -> str:
    match metric.type:
        case "External" if metric.external:
            external = status.external if status else None
            return _values(metric.external.target, external.current if external else None)
        case "Object" if metric.object:
            described = status.object if status else None
            return _values(metric.object.target, described.current if described else None)
        case "Pods" if metric.pods:
            pods = status.pods if status else None
            current = pods.current.average_value if pods and pods.current else None
            target = metric.pods.target.average_value if metric.pods.target else None
            return f"{UNKNOWN if pods is None else _amount(current)}/{_amount(target)}"
        case "Resource" if metric.resource:
            resource = status.resource if status else None
            shown = _use(metric.resource.target, resource.current if resource else None)
            return f"{metric.resource.name}: {shown}"
        case "ContainerResource" if metric.container_resource:
            container = status.container_resource if status else None
            shown = _use(metric.container_resource.target, container.current if container else None)
            return f"{metric.container_resource.name}: {shown}"
    return "<unknown type>"


def _values(target: MetricTarget | None, current: MetricValueStatus | None) -> str:
    """An absolute target, or one for each pod on average."""
    if target is not None and target.average_value is not None:
        average = current.average_value if current else None
        return f"{UNKNOWN if average is None else _amount(average)}/{_amount(target.average_value)} (avg)"
    value = UNKNOWN if current is None else _amount(current.value)
    return f"{value}/{_amount(target.value if target else None)}"


def _use(target: MetricTarget | None, current: MetricValueStatus | None) -> str:
    """How much of a resource pods use on average, as an amount or a share of what they asked for."""
    if target is not None and target.average_value is not None:
        return f"{UNKNOWN if current is None else _amount(current.average_value)}/{_amount(target.average_value)}"
    percent = current.average_utilization if current else None
    wanted = target.average_utilization if target else None
    return f"{UNKNOWN if percent is None else f'{percent}%'}/{'<auto>' if wanted is None else f'{wanted}%'}"


def _amount(amount: Quantity | None) -> str:
    return "0" if amount is None else quantity.canonical(amount)


def _disruption_budget(budget: PodDisruptionBudget, now: datetime) -> list[Cell]:
    return [
        budget.metadata.name,
        _limit(budget.spec.min_available),
        _limit(budget.spec.max_unavailable),
        budget.status.disruptions_allowed or 0,
        age(budget.metadata.creation_timestamp, now),
    ]


def _limit(value: IntOrString | None) -> str:
    return "N/A" if value is None else str(value)


_AUTOSCALER = (
    NAME,
    Column("Reference"),
    Column("Targets"),
    Column("MinPods"),
    Column("MaxPods"),
    Column("Replicas"),
    AGE,
)
AUTOSCALER = Printer(_AUTOSCALER, _autoscaler)
OLD_AUTOSCALER = Printer(_AUTOSCALER, _old_autoscaler)
DISRUPTION_BUDGET = Printer(
    (NAME, Column("Min Available"), Column("Max Unavailable"), Column("Allowed Disruptions", "integer"), AGE),
    _disruption_budget,
)
