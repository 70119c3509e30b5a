"""How hard a pod's resources are promised: Guaranteed, Burstable or BestEffort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controlplane.api import quantity
from controlplane.api.base import Quantity

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"

_COUNTED = ("cpu", "memory")
_Amounts = Mapping[str, Quantity]


def qos_class(spec: Mapping[str, Any]) -> str:
    """Return the class of a pod from its spec as a document.

    Guaranteed: every container limits CPU and memory and requests just that. BestEffort: nobody asks for anything.
    Resources of the pod as a whole, where it has them, count instead of its containers'.
    """
    if spec.get("resources"):
        return _class_of([spec["resources"]])
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return _class_of([container.get("resources") or {} for container in containers])


def _class_of(owners: Iterable[Mapping[str, Any]]) -> str:
    pairs = [(_counted(one.get("requests")), _counted(one.get("limits"))) for one in owners]
    if not any(requests or limits for requests, limits in pairs):
        return BEST_EFFORT
    promised = all(len(limits) == len(_COUNTED) and (requests or limits) == limits for requests, limits in pairs)
    return GUARANTEED if promised else BURSTABLE


def _counted(amounts: _Amounts | None) -> dict[str, int]:
    amounts = amounts or {}
    found = {name: quantity.amount(amounts[name]).nanos for name in _COUNTED if name in amounts}
    return {name: nanos for name, nanos in found.items() if nanos > 0}
