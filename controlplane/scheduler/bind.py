"""Telling the API server: this pod goes to that node, or to none and why."""

from __future__ import annotations

import msgspec

from controlplane.api.core_v1 import Binding, ObjectReference, Pod, PodCondition
from controlplane.api.meta_v1 import ObjectMeta, Status
from controlplane.client.client import Client, PatchType
from controlplane.kit.clock import Clock
from controlplane.kit.timestamps import format_time

UNSCHEDULABLE, SCHEDULER_ERROR = "Unschedulable", "SchedulerError"


def binding(pod: Pod, node: str) -> Binding:
    """Return what is posted to the pod's binding subresource; the UID makes sure it is still this pod."""
    meta = pod.metadata
    return Binding(
        api_version="v1",
        kind="Binding",
        metadata=ObjectMeta(name=meta.name, namespace=meta.namespace, uid=meta.uid),
        target=ObjectReference(kind="Node", name=node),
    )


async def bind(client: Client, pod: Pod, node: str) -> None:
    """Give the pod its node. Raises StatusError, Unreachable."""
    meta = pod.metadata
    await client.create_subresource(Pod, meta.name, "binding", binding(pod, node), Status, meta.namespace)


def not_scheduled(pod: Pod, reason: str, message: str, clock: Clock) -> PodCondition | None:
    """Return the condition that says why the pod has no node, or None when the pod says so already."""
    now = format_time(clock.now())
    old = next((one for one in pod.status.conditions if one.type == "PodScheduled"), None)
    if old is not None and (old.status, old.reason, old.message) == ("False", reason, message):
        return None
    changed = old is None or old.status != "False"
    return PodCondition(
        type="PodScheduled",
        status="False",
        reason=reason,
        message=message,
        last_transition_time=now if changed or old is None else old.last_transition_time,
        observed_generation=pod.metadata.generation,
    )


async def tell(client: Client, pod: Pod, condition: PodCondition) -> None:
    """Write the condition into the pod's status. Raises StatusError, Unreachable."""
    meta = pod.metadata
    patch = {
        "metadata": {"uid": meta.uid},
        "status": {"conditions": [{**msgspec.to_builtins(condition), "lastProbeTime": None}]},
    }
    await client.patch(Pod, meta.name, patch, meta.namespace, kind=PatchType.STRATEGIC, subresource="status")
