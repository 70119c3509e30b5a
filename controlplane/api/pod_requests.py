"""How much a pod asks for, in integers: millicores of cpu, units (bytes, pods, devices) of everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from controlplane.api import quantity
from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Container, PodSpec

Resources: TypeAlias = dict[str, int]

# What scores count for a container that asks for nothing, so that such pods spread too: upstream's numbers.
_ASSUMED = {"cpu": 100, "memory": 200 * 1024 * 1024}


def amounts(quantities: Mapping[str, Quantity]) -> Resources:
    """Return a resource list as integers."""
    return {
        name: quantity.milli_value(amount) if name == "cpu" else quantity.value(amount)
        for name, amount in quantities.items()
    }


def pod_requests(spec: PodSpec) -> Resources:
    """Return what the pod needs at its worst moment: while an init container runs, or while all others do.

    A sidecar (an init container that is always restarted) runs beside every container that starts after it.
    """
    return _total(spec, {})


def scored_requests(spec: PodSpec) -> Resources:
    """Like `pod_requests`, for cpu and memory, with an assumed amount for containers that name none."""
    total = _total(spec, _ASSUMED)
    return {name: total.get(name, 0) for name in _ASSUMED}


def add(total: Resources, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def subtract(total: Resources, less: Mapping[str, int]) -> None:
    for name, amount in less.items():
        total[name] = total.get(name, 0) - amount


def _total(spec: PodSpec, assumed: Mapping[str, int]) -> Resources:
    running = _sum(_requests(container, assumed) for container in spec.containers)
    sidecars: Resources = {}
    peak: Resources = {}
    for container in spec.init_containers:
        wanted = _requests(container, assumed)
        if container.restart_policy == "Always":
            add(sidecars, wanted)
            _raise_to(peak, sidecars)
        else:
            _raise_to(peak, _sum((sidecars, wanted)))
    add(running, sidecars)
    _raise_to(running, peak)
    if spec.resources is not None:  # said for the pod as a whole, it overrides the sum of its containers
        running.update(amounts(spec.resources.requests))
    add(running, amounts(spec.overhead))
    return running


def _requests(container: Container, assumed: Mapping[str, int]) -> Resources:
    stated = amounts(container.resources.requests) if container.resources else {}
    return {**assumed, **stated} if assumed else stated


def _sum(parts: Iterable[Mapping[str, int]]) -> Resources:
    total: Resources = {}
    for part in parts:
        add(total, part)
    return total


def _raise_to(total: Resources, floor: Mapping[str, int]) -> None:
    for name, amount in floor.items():
        total[name] = max(total.get(name, 0), amount)
