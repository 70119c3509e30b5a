"""LimitRanger: what a namespace's LimitRanges give to pods that say nothing, and refuse to those that say too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from controlplane.admission.interface import Attributes, Operation, Plugin
from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.codec import Document
from controlplane.api.core_v1 import LimitRange, LimitRangeItem
from controlplane.api.reader import ObjectReader

ANNOTATION = "kubernetes.io/limit-ranger"

Amounts: TypeAlias = Mapping[str, Quantity]
"""Quantities by resource name, such as {"cpu": "500m"}."""


class LimitRanger(Plugin):
    """Fills in requests and limits, then holds the pod (or claim) against min, max and ratio."""

    name = "LimitRanger"
    looks_at = frozenset({"persistentvolumeclaims", "pods"})

    def __init__(self, reader: ObjectReader):
        self._reader = reader

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.document
        if pod is None or not attributes.is_for("pods", Operation.CREATE):
            return
        for limit_range in self._reader.list(LimitRange, attributes.namespace):
            for item in _items(limit_range, "Container"):
                _fill_in(pod, item)

    async def validate(self, attributes: Attributes) -> None:
        document = attributes.document
        if document is None:
            return
        if attributes.is_for("pods", Operation.CREATE):
            check: Callable[[Document, LimitRange], Iterator[str]] = pod_errors
        elif attributes.is_for("persistentvolumeclaims", Operation.CREATE, Operation.UPDATE):
            check = claim_errors
        else:
            return
        errors = [
            error for limits in self._reader.list(LimitRange, attributes.namespace) for error in check(document, limits)
        ]
        if errors:
            unique = list(dict.fromkeys(errors))
            raise attributes.forbidden(unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]")


def _items(limit_range: LimitRange, type_: str) -> Iterator[LimitRangeItem]:
    for item in limit_range.spec.limits if limit_range.spec is not None else ():
        if item.type == type_:
            yield item


def _fill_in(pod: Document, item: LimitRangeItem) -> None:
    """Give every container the defaults it lacks, and note in an annotation what was given."""
    notes = []
    for word, container in _containers(pod):
        resources: dict[str, dict[str, Any]] = container.setdefault("resources", {})
        for kind, defaults in (("request", item.default_request), ("limit", item.default)):
            amounts = dict(resources.get(f"{kind}s") or {})
            missing = sorted(name for name in defaults if name not in amounts)
            if missing:
                resources[f"{kind}s"] = amounts | {name: defaults[name] for name in missing}
                notes.append(f"{', '.join(missing)} {kind} for {word} {container.get('name', '')}")
    if notes:
        annotations = pod["metadata"].get("annotations") or {}
        pod["metadata"]["annotations"] = annotations | {ANNOTATION: f"LimitRanger plugin set: {'; '.join(notes)}"}


def _containers(pod: Document) -> Iterator[tuple[str, Document]]:
    spec = pod.get("spec") or {}
    for container in spec.get("containers") or ():
        yield "container", container
    for container in spec.get("initContainers") or ():
        yield "init container", container


def pod_errors(pod: Document, limit_range: LimitRange) -> Iterator[str]:
    """Yield what is wrong with a pod."""
    for item in _items(limit_range, "Container"):
        for _, container in _containers(pod):
            resources = container.get("resources") or {}
            yield from _item_errors(item, resources.get("requests") or {}, resources.get("limits") or {})
    for item in _items(limit_range, "Pod"):
        yield from _item_errors(item, pod_total(pod, "requests"), pod_total(pod, "limits"))


def claim_errors(claim: Document, limit_range: LimitRange) -> Iterator[str]:
    """Yield what is wrong with a PersistentVolumeClaim."""
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    for item in _items(limit_range, "PersistentVolumeClaim"):
        for name, bound in sorted(item.min.items()):
            yield from _min_errors(item.type, name, bound, requests, {})
        for name, bound in sorted(item.max.items()):
            # A claim has no limits; its request is what it gets.
            yield from _max_errors(item.type, name, bound, requests, requests)


def pod_total(pod: Document, kind: str) -> Amounts:
    """Return a pod's requests or limits: the sum of its containers, or the largest init container if that is more.

    An init container that restarts always runs beside the others, so it counts among them.
    """
    spec = pod.get("spec") or {}
    inits = spec.get("initContainers") or []
    sidecars = [container for container in inits if container.get("restartPolicy") == "Always"]
    total = _sum(_amounts(container, kind) for container in (*(spec.get("containers") or ()), *sidecars))
    for container in inits:
        if container.get("restartPolicy") == "Always":
            continue
        for name, value in _amounts(container, kind).items():
            if name not in total or quantity.compare(value, total[name]) > 0:
                total[name] = value
    return total


def _amounts(container: Document, kind: str) -> Amounts:
    return (container.get("resources") or {}).get(kind) or {}


def _sum(parts: Iterator[Amounts]) -> dict[str, Quantity]:
    total: dict[str, Quantity] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = quantity.add(total[name], value) if name in total else value
    return total


def _item_errors(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, bound in sorted(item.min.items()):
        yield from _min_errors(item.type, name, bound, requests, limits)
    for name, bound in sorted(item.max.items()):
        yield from _max_errors(item.type, name, bound, requests, limits)
    for name, bound in sorted(item.max_limit_request_ratio.items()):
        yield from _ratio_errors(item.type, name, bound, requests, limits)


def _min_errors(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    rule = f"minimum {name} usage per {type_} is {_shown(bound)}"
    if name not in requests:
        yield f"{rule}.  No request is specified"
    elif quantity.compare(requests[name], bound) < 0:
        yield f"{rule}, but request is {_shown(requests[name])}"
    elif name in limits and quantity.compare(limits[name], bound) < 0:
        yield f"{rule}, but limit is {_shown(limits[name])}"


def _max_errors(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    rule = f"maximum {name} usage per {type_} is {_shown(bound)}"
    if name not in limits:
        yield (
            f"{rule}.  No limit is specified"
            if type_ != "PersistentVolumeClaim"
            else f"{rule}.  No request is specified"
        )
    elif quantity.compare(limits[name], bound) > 0:
        word = "limit" if type_ != "PersistentVolumeClaim" else "request"
        yield f"{rule}, but {word} is {_shown(limits[name])}"
    elif name in requests and quantity.compare(requests[name], bound) > 0:
        yield f"{rule}, but request is {_shown(requests[name])}"


def _ratio_errors(type_: str, name: str, bound: Quantity, requests: Amounts, limits: Amounts) -> Iterator[str]:
    rule = f"{name} max limit to request ratio per {type_} is {_shown(bound)}"
    request, limit = quantity.parse(requests.get(name, 0)), quantity.parse(limits.get(name, 0))
    if not request:
        yield f"{rule}, but no request is specified or request is 0"
    elif not limit:
        yield f"{rule}, but no limit is specified or limit is 0"
    elif limit / request > quantity.parse(bound):
        yield f"{rule}, but provided ratio is {limit / request:.6f}"


def _shown(value: Quantity) -> str:
    return quantity.canonical(value)
