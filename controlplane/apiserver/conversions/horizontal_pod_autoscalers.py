"""HorizontalPodAutoscalers: autoscaling/v1 knows one target, the pods' CPU; v2, the stored version, knows many.

    v2                                        v1
    spec.metrics[cpu, Utilization 80]         spec.targetCPUUtilizationPercentage: 80
    every other metric                        annotation autoscaling.alpha.kubernetes.io/metrics
    spec.behavior                             annotation .../behavior, with field names in capitals
    status.currentMetrics                     annotation .../current-metrics, and currentCPUUtilizationPercentage
    status.conditions                         annotation .../conditions

The annotations are JSON in the flat shapes of k8s.io/api/autoscaling/v1 (`metric_shapes`), as upstream writes them;
they exist in v1 only. An annotation that cannot be read is as good as absent: no client may wedge an object with one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from controlplane.api import autoscaling_v2
from controlplane.api.codec import Document
from controlplane.apiserver.conversions import metric_shapes

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_ROUND_TRIP = (METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS)

_UTILIZATION = 80  # percent: what an autoscaler without any metric aims at

_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas")
_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def to_v2(document: Document) -> Document:
    """Return an autoscaling/v1 HorizontalPodAutoscaler as autoscaling/v2."""
    metadata = document.get("metadata") or {}
    notes = metadata.get("annotations") or {}
    spec, status = document.get("spec") or {}, document.get("status") or {}
    converted = {**document, "apiVersion": "autoscaling/v2", "metadata": _without_round_trip(metadata)}
    converted["spec"] = _only(spec, _SPEC) | {"metrics": _metrics(spec, notes)}
    if behavior := _read(notes, BEHAVIOR, metric_shapes.behavior_from_annotation):
        converted["spec"]["behavior"] = behavior
    if new := _status_to_v2(status, notes):
        converted["status"] = new
    else:
        converted.pop("status", None)
    return converted


def from_v2(document: Document) -> Document:
    """Return an autoscaling/v2 HorizontalPodAutoscaler as autoscaling/v1."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    metrics = spec.get("metrics") or []
    notes = _annotations_for_v1(spec, status)
    metadata = _without_round_trip(document.get("metadata") or {})
    if notes:
        metadata = {**metadata, "annotations": {**(metadata.get("annotations") or {}), **notes}}
    converted = {**document, "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": _only(spec, _SPEC)}
    if (target := _cpu_target(metrics)) is not None:
        converted["spec"]["targetCPUUtilizationPercentage"] = target
    if "status" in document:
        converted["status"] = _only(status, _STATUS)
        if (current := _current_cpu(status.get("currentMetrics") or [])) is not None:
            converted["status"]["currentCPUUtilizationPercentage"] = current
    return converted


def _only(values: Document, names: tuple[str, ...]) -> Document:
    return {name: values[name] for name in names if name in values}


def _without_round_trip(metadata: Document) -> Document:
    notes = metadata.get("annotations") or {}
    if not any(name in notes for name in _ROUND_TRIP):
        return metadata
    kept = {name: text for name, text in notes.items() if name not in _ROUND_TRIP}
    rest = {name: value for name, value in metadata.items() if name != "annotations"}
    return {**rest, "annotations": kept} if kept else rest


def _read(notes: Document, name: str, read: Callable[[Any], Any]) -> Any:
    """Return what an annotation holds, None if it is not there or not what it should be."""
    try:
        return read(msgspec.json.decode(notes[name])) if name in notes else None
    except (msgspec.DecodeError, metric_shapes.Misshapen):
        return None


def _metrics(spec: Document, notes: Document) -> list[Document]:
    target = spec.get("targetCPUUtilizationPercentage")
    others = _read(notes, METRICS, metric_shapes.specs_from_annotation) or []
    metrics = [*([] if target is None else [_cpu_metric(target)]), *others]
    return metrics or [_cpu_metric(_UTILIZATION)]


def _cpu_metric(percent: int) -> Document:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _status_to_v2(status: Document, notes: Document) -> Document:
    converted = _only(status, _STATUS)
    current = _read(notes, CURRENT_METRICS, metric_shapes.statuses_from_annotation)
    percent = status.get("currentCPUUtilizationPercentage")
    if current is None and percent is not None:
        current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": percent}}}]
    if current:
        converted["currentMetrics"] = current
    if conditions := _read(notes, CONDITIONS, _conditions):
        converted["conditions"] = conditions
    return converted


def _conditions(found: Any) -> Any:
    try:
        msgspec.convert(found, list[autoscaling_v2.HorizontalPodAutoscalerCondition])
    except msgspec.ValidationError as error:
        raise metric_shapes.Misshapen(str(error)) from error
    return found


def _annotations_for_v1(spec: Document, status: Document) -> dict[str, str]:
    """Return what v1 has no fields for."""
    notes: dict[str, Any] = {}
    if others := [one for one in spec.get("metrics") or [] if not _is_cpu_target(one)]:
        notes[METRICS] = metric_shapes.specs_to_annotation(others)
    # The CPU's status as well: v1 has no place for its absolute amount.
    if current := status.get("currentMetrics"):
        notes[CURRENT_METRICS] = metric_shapes.statuses_to_annotation(current)
    if behavior := spec.get("behavior"):
        notes[BEHAVIOR] = metric_shapes.behavior_to_annotation(behavior)
    if conditions := status.get("conditions"):
        notes[CONDITIONS] = [metric_shapes.in_order(one, metric_shapes.CONDITION) for one in conditions]
    return {name: msgspec.json.encode(value).decode() for name, value in notes.items()}


def _is_cpu(metric: Document) -> bool:
    return metric.get("type") == "Resource" and (metric.get("resource") or {}).get("name") == "cpu"


def _is_cpu_target(metric: Document) -> bool:
    return _is_cpu(metric) and (metric["resource"].get("target") or {}).get("averageUtilization") is not None


def _cpu_target(metrics: list[Document]) -> int | None:
    for metric in metrics:
        if _is_cpu(metric):
            percent: int | None = (metric["resource"].get("target") or {}).get("averageUtilization")
            return percent
    return None


def _current_cpu(metrics: list[Document]) -> int | None:
    found = None
    for metric in metrics:
        if _is_cpu(metric) and (percent := (metric["resource"].get("current") or {}).get("averageUtilization")):
            found = percent
    return found
