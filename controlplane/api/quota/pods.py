"""What a pod is charged for: what it asks for at its worst moment, for as long as it may still run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from controlplane.api.base import Quantity
from controlplane.api.core_v1 import Container, Pod, PodSpec, ResourceRequirements
from controlplane.api.quota.amounts import Amounts, greatest, total
from controlplane.api.validation.resources import is_extended
from controlplane.kit.timestamps import parse_time

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_Side = Callable[[ResourceRequirements], Amounts]

# A quota on one of these makes every container say how much; upstream regrets it, and will not do so for others.
_MUST_SAY = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})


def is_charged(pod: Pod, now: datetime) -> bool:
    """Return whether a pod may still use anything: it has not ended, and is not long overdue on a node that is lost."""
    if pod.status.phase in ("Succeeded", "Failed"):
        return False
    metadata = pod.metadata
    if not metadata.deletion_timestamp or metadata.deletion_grace_period_seconds is None:
        return True
    overdue = parse_time(metadata.deletion_timestamp) + timedelta(seconds=metadata.deletion_grace_period_seconds)
    return now <= overdue


def pod_requests(spec: PodSpec) -> dict[str, Quantity]:
    """Return what a pod requests, with what its sandbox costs."""
    containers = _peak(spec, lambda resources: resources.requests)
    said = spec.resources.requests if spec.resources is not None else {}
    return total([{**containers, **said}, spec.overhead])


def pod_limits(spec: PodSpec) -> dict[str, Quantity]:
    """Return what a pod may use at most; the sandbox only adds to what is limited at all."""
    containers = _peak(spec, lambda resources: resources.limits)
    limits = {**containers, **(spec.resources.limits if spec.resources is not None else {})}
    return total([limits, {name: value for name, value in spec.overhead.items() if name in limits}])


def _peak(spec: PodSpec, side: _Side) -> dict[str, Quantity]:
    """Return the most that is used at once: by all containers, or while an init container runs.

    A sidecar (an init container that is always restarted) runs beside every container that starts after it.
    """
    sidecars: dict[str, Quantity] = {}
    moments: list[Amounts] = []
    for container in spec.init_containers:
        moments.append(total([sidecars, side(container.resources)]))
        if container.restart_policy == "Always":
            sidecars = total([sidecars, side(container.resources)])
    running = total([*(side(container.resources) for container in spec.containers), sidecars])
    return greatest([running, *moments])


def compute_amounts(requests: Amounts, limits: Amounts) -> dict[str, Quantity]:
    """Return requests and limits under the names that quotas have for them."""
    used: dict[str, Quantity] = {}
    for name, value in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            used |= {name: value, f"requests.{name}": value}
        elif is_extended(name):
            used[f"requests.{name}"] = value
    used |= {f"limits.{name}": value for name, value in limits.items() if name in _COMPUTE}
    return used


def missing_amounts(names: Collection[str], spec: PodSpec) -> str:
    """Return "must specify limits.cpu for: a,b" for the containers that do not, "" if all do."""
    missing: dict[str, set[str]] = {}
    for container in (*spec.containers, *spec.init_containers):
        for name in _unsaid(names, container):
            missing.setdefault(name, set()).add(container.name)
    if not missing:
        return ""
    return "must specify " + "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))


def _unsaid(names: Iterable[str], container: Container) -> frozenset[str]:
    resources = container.resources
    return (_MUST_SAY & set(names)) - compute_amounts(resources.requests, resources.limits).keys()
