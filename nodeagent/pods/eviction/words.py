"""What an evicted pod's status and event say. The words are upstream's: people and scripts search for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from controlplane.api import quantity
from controlplane.api.core_v1 import Container, Pod
from nodeagent.pods.eviction.rank import ContainerUse, PodUse
from nodeagent.pods.eviction.thresholds import RESOURCE, Observation, Threshold

REASON = "Evicted"


def low_on(resource: str) -> str:
    return f"The node was low on resource: {resource}. "


def under(conditions: Collection[str]) -> str:
    return f"The node had condition: [{' '.join(sorted(conditions))}]. "


def eviction_message(pod: Pod, threshold: Threshold, seen: Observation | None, use: PodUse | None) -> str:
    """Return why the pod is ended: what ran short, by how much, and which containers use more than they asked for."""
    resource = RESOURCE[threshold.signal]
    text = low_on(resource)
    if seen is not None:
        limit = threshold.limit.of(seen.capacity)
        text += f"Threshold quantity: {binary(limit)}, available: {binary(seen.available)}. "
    for container in use.containers if use else ():
        text += _excess(resource, _spec_of(pod, container.name), container)
    return text


def _excess(resource: str, spec: Container | None, use: ContainerUse) -> str:
    if spec is None or resource not in ("memory", "ephemeral-storage"):
        return ""
    used = use.memory if resource == "memory" else use.local().bytes
    asked = (spec.resources.requests if spec.resources else {}).get(resource, "0")
    if used <= quantity.value(asked):
        return ""
    return (
        f"Container {use.name} was using {binary(used)}, request is {quantity.canonical(asked)}, "
        f"has larger consumption of {resource}. "
    )


def _spec_of(pod: Pod, name: str) -> Container | None:
    every: Sequence[Container] = [*pod.spec.containers, *pod.spec.init_containers]
    return next((one for one in every if one.name == name), None)


def binary(amount: int) -> str:
    """Return an amount as upstream's messages write it: 100Mi, 1205264Ki, 1000."""
    return quantity.render(quantity.Amount(amount * 10**9, "Binary"))
