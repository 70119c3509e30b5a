"""What changed about a node, as events tell it. Pure; reasons and words are upstream's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controlplane.api.core_v1 import NodeStatus

# What is told of each condition that becomes True, and that becomes False.
_REASONS = {
    "MemoryPressure": ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    "DiskPressure": ("NodeHasDiskPressure", "NodeHasNoDiskPressure"),
    "PIDPressure": ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
    "Ready": ("NodeReady", "NodeNotReady"),
}


class Told(NamedTuple):
    """An event about the node."""

    type: str
    reason: str
    message: str


def changes(name: str, before: NodeStatus, after: NodeStatus) -> Iterator[Told]:
    """Yield what is to be told now that the status is `after`.

    A node that had no such condition before is new: how much it has is told, but not that it is not ready yet.
    """
    old = before.node_info.boot_id if before.node_info else ""
    new = after.node_info.boot_id if after.node_info else ""
    if old and new and old != new:
        yield Told("Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {new}")
    was = {one.type: one.status for one in before.conditions}
    for condition in after.conditions:
        reasons = _REASONS.get(condition.type)
        if reasons is None or condition.status == was.get(condition.type):
            continue
        if condition.type == "Ready" and "Ready" not in was:
            continue
        reason = reasons[condition.status != "True"]
        yield Told("Normal", reason, f"Node {name} status is now: {reason}")
