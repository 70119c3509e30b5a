"""The flat shapes in which autoscaling/v1 annotations hold metrics and behaviour, to those of autoscaling/v2 and back.

    flat   "pods": {"metricName": "qps", "targetAverageValue": "10"}
    v2     "pods": {"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "10"}}

Each source of metrics is a table: a flat field, and where v2 has it. Fields come in the order in which upstream writes
them; amounts that its flat types always have are "0" where v2 has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from controlplane.api import autoscaling_v2
from controlplane.api.codec import Document

T = TypeVar("T")

Shape: TypeAlias = Sequence[tuple[str, str]]
"""Flat field, and its path in v2."""

_POD_RESOURCE = (
    ("name", "name"),
    ("targetAverageUtilization", "target.averageUtilization"),
    ("targetAverageValue", "target.averageValue"),
)
_SPECS: Mapping[str, Shape] = {
    "object": (
        ("target", "describedObject"),
        ("metricName", "metric.name"),
        ("targetValue", "target.value"),
        ("selector", "metric.selector"),
        ("averageValue", "target.averageValue"),
    ),
    "pods": (
        ("metricName", "metric.name"),
        ("targetAverageValue", "target.averageValue"),
        ("selector", "metric.selector"),
    ),
    "resource": _POD_RESOURCE,
    "containerResource": (*_POD_RESOURCE, ("container", "container")),
    "external": (
        ("metricName", "metric.name"),
        ("metricSelector", "metric.selector"),
        ("targetValue", "target.value"),
        ("targetAverageValue", "target.averageValue"),
    ),
}
_CURRENT_RESOURCE = (
    ("name", "name"),
    ("currentAverageUtilization", "current.averageUtilization"),
    ("currentAverageValue", "current.averageValue"),
)
_STATUSES: Mapping[str, Shape] = {
    "object": (
        ("target", "describedObject"),
        ("metricName", "metric.name"),
        ("currentValue", "current.value"),
        ("selector", "metric.selector"),
        ("averageValue", "current.averageValue"),
    ),
    "pods": (
        ("metricName", "metric.name"),
        ("currentAverageValue", "current.averageValue"),
        ("selector", "metric.selector"),
    ),
    "resource": _CURRENT_RESOURCE,
    "containerResource": (*_CURRENT_RESOURCE, ("container", "container")),
    "external": (
        ("metricName", "metric.name"),
        ("metricSelector", "metric.selector"),
        ("currentValue", "current.value"),
        ("currentAverageValue", "current.averageValue"),
    ),
}
_ALWAYS = frozenset(
    {("object", "targetValue"), ("pods", "targetAverageValue")}
    | {("object", "currentValue"), ("external", "currentValue")}
    | {(source, "currentAverageValue") for source in ("pods", "resource", "containerResource")}
)
_REFERENCE = ("kind", "name", "apiVersion")
CONDITION = ("type", "status", "lastTransitionTime", "reason", "message", "observedGeneration")

_RULES = ("StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance")
_POLICY = ("Type", "Value", "PeriodSeconds")


class Misshapen(ValueError):
    """JSON that does not hold what an annotation should."""


def specs_to_annotation(metrics: Sequence[Document]) -> list[Document]:
    return [_flat(metric, _SPECS) for metric in metrics]


def specs_from_annotation(found: Any) -> list[Document]:
    """Return the metrics of spec.metrics. Raises Misshapen."""
    metrics = [_nested(metric, _SPECS) for metric in _objects(found)]
    for metric in metrics:
        for source in _SPECS.keys() & metric.keys():
            if target := metric[source].get("target"):
                _settle_target(source, target)
    return _checked(metrics, list[autoscaling_v2.MetricSpec])


def statuses_to_annotation(metrics: Sequence[Document]) -> list[Document]:
    return [_flat(metric, _STATUSES) for metric in metrics]


def statuses_from_annotation(found: Any) -> list[Document]:
    """Return the metrics of status.currentMetrics. Raises Misshapen."""
    return _checked([_nested(metric, _STATUSES) for metric in _objects(found)], list[autoscaling_v2.MetricStatus])


def behavior_to_annotation(behavior: Document) -> Document:
    """Return spec.behavior as upstream writes it: its internal type, with the names of Go and every field."""
    return {"ScaleUp": _rules(behavior.get("scaleUp")), "ScaleDown": _rules(behavior.get("scaleDown"))}


def behavior_from_annotation(found: Any) -> Document:
    """Return spec.behavior. Raises Misshapen."""
    behavior: Document = _uncapitalised(found)
    return _checked(behavior, autoscaling_v2.HorizontalPodAutoscalerBehavior)


def in_order(values: Document, names: Sequence[str]) -> Document:
    """Return the fields in the order of `names`, others behind."""
    return {name: values[name] for name in names if name in values} | values


def _settle_target(source: str, target: Document) -> None:
    """Say which of its amounts a target means: flat targets do not, for they have but one."""
    if source == "object" and target.get("averageValue") is not None:
        target.pop("value", None)  # the "0" of a type that cannot leave it out
    for kind, field in (("Utilization", "averageUtilization"), ("Value", "value"), ("AverageValue", "averageValue")):
        if target.get(field) is not None:
            target["type"] = kind
            return


def _flat(metric: Document, shapes: Mapping[str, Shape]) -> Document:
    flat: Document = {"type": metric.get("type", "")}
    for source, shape in shapes.items():
        if source in metric:
            flat[source] = _flat_source(source, metric[source] or {}, shape)
    return flat


def _flat_source(source: str, nested: Document, shape: Shape) -> Document:
    flat: Document = {}
    for name, path in shape:
        value = _at(nested, path)
        if value is None and (source, name) in _ALWAYS:
            value = "0"
        if value is not None:
            flat[name] = in_order(value, _REFERENCE) if name == "target" else value
    return flat


def _nested(metric: Document, shapes: Mapping[str, Shape]) -> Document:
    nested: Document = {"type": metric.get("type", "")}
    for source, shape in shapes.items():
        if isinstance(flat := metric.get(source), dict):
            nested[source] = _nested_source(flat, shape)
    return nested


def _nested_source(flat: Document, shape: Shape) -> Document:
    nested: Document = {}
    for name, path in shape:
        if flat.get(name) is not None:
            *above, last = path.split(".")
            owner = nested
            for step in above:
                owner = owner.setdefault(step, {})
            owner[last] = flat[name]
    return nested


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = (value or {}).get(step)
    return value


def _objects(found: Any) -> list[Document]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Misshapen("expected a list of objects")
    return found


def _rules(rules: Document | None) -> Document | None:
    if rules is None:
        return None
    capitals: Document = {name: rules.get(name[0].lower() + name[1:]) for name in _RULES}
    policies = capitals["Policies"]
    if policies is not None:
        capitals["Policies"] = [{name: one.get(name[0].lower() + name[1:]) for name in _POLICY} for one in policies]
    return capitals


def _uncapitalised(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name[:1].lower() + name[1:]: _uncapitalised(inner) for name, inner in value.items() if inner is not None
        }
    return [_uncapitalised(one) for one in value] if isinstance(value, list) else value


def _checked(value: T, type_: Any) -> T:
    """Return `value`, which must have the shape of an API type. Raises Misshapen."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise Misshapen(str(error)) from error
    return value
