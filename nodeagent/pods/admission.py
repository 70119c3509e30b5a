"""Whether this node takes a pod that was assigned to it: the scheduler decided on a view that may have been old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Container, Node, Pod

_MILLI = ("cpu",)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, as the pod's status says it."""

    reason: str
    message: str


def admit(pod: Pod, node: Node, others: Iterable[Pod]) -> Refusal | None:
    """Return why the pod cannot run beside the `others`, or None if it can."""
    if not _selected(pod, node):
        return Refusal(
            "NodeAffinity",
            "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        )
    present = list(others)
    allocatable = node.status.allocatable
    if "pods" in allocatable and len(present) + 1 > quantity.value(allocatable["pods"]):
        return _short("pods", 1, len(present), quantity.value(allocatable["pods"]))
    for name, wanted in requests(pod).items():
        used = sum(requests(other).get(name, 0) for other in present)
        capacity = _amount(name, allocatable.get(name, 0))
        if wanted > 0 and used + wanted > capacity:
            return _short(name, wanted, used, capacity)
    return None


def requests(pod: Pod) -> dict[str, int]:
    """Return what the pod asks for: thousandths of a core, units of everything else.

    Init containers run one after the other, so the largest counts; sidecars stay, so they add up.
    """
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in pod.spec.init_containers:
        own = _of(container)
        if container.restart_policy == "Always":
            sidecars = _add(sidecars, own)
            own = {}
        peak = _larger(peak, _add(sidecars, own))
    total = sidecars
    for container in pod.spec.containers:
        total = _add(total, _of(container))
    overhead = {name: _amount(name, amount) for name, amount in pod.spec.overhead.items()}
    return _add(_larger(peak, total), overhead)


def _of(container: Container) -> dict[str, int]:
    wanted: Mapping[str, Quantity] = container.resources.requests if container.resources else {}
    return {name: _amount(name, amount) for name, amount in wanted.items()}


def _amount(name: str, amount: Quantity) -> int:
    return quantity.milli_value(amount) if name in _MILLI else quantity.value(amount)


def _add(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}


def _larger(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: max(left.get(name, 0), right.get(name, 0)) for name in {**left, **right}}


def _short(name: str, wanted: int, used: int, capacity: int) -> Refusal:
    words = f"Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"
    return Refusal(f"OutOf{name}", f"Pod was rejected: {words}")


def _selected(pod: Pod, node: Node) -> bool:
    labels = node.metadata.labels
    return all(labels.get(key) == value for key, value in pod.spec.node_selector.items())
