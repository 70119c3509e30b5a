"""Which taints follow from what a node's conditions and spec say.

    Ready=False            not-ready:NoSchedule            and, in its turn, not-ready:NoExecute
    Ready=Unknown          unreachable:NoSchedule          and, in its turn, unreachable:NoExecute
    MemoryPressure=True    memory-pressure:NoSchedule      DiskPressure, PIDPressure, NetworkUnavailable likewise
    spec.unschedulable     unschedulable:NoSchedule

All keys begin with node.kubernetes.io/. Every other taint is left as it is.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from controlplane.api.core_v1 import Node, Taint
from controlplane.controllers.nodelifecycle.health import readiness
from controlplane.kit.timestamps import format_time

_PREFIX = "node.kubernetes.io/"
NOT_READY, UNREACHABLE = f"{_PREFIX}not-ready", f"{_PREFIX}unreachable"
UNSCHEDULABLE = f"{_PREFIX}unschedulable"
_BY_CONDITION = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): f"{_PREFIX}memory-pressure",
    ("DiskPressure", "True"): f"{_PREFIX}disk-pressure",
    ("PIDPressure", "True"): f"{_PREFIX}pid-pressure",
    ("NetworkUnavailable", "True"): f"{_PREFIX}network-unavailable",
}
_NO_SCHEDULE_KEYS = frozenset({*_BY_CONDITION.values(), UNSCHEDULABLE})
_NO_EXECUTE_KEYS = frozenset({NOT_READY, UNREACHABLE})


class Eviction(Enum):
    """Whether an unready node may get the NoExecute taint that makes its pods leave."""

    KEEP = "keep"  # as it is: if it has one, the right one
    START = "start"  # its turn has come
    STOP = "stop"  # everything is down, so it is not the node


def taints(node: Node, eviction: Eviction, now: datetime) -> list[Taint]:
    """Return the node's taints as they should be; in the order they are, so that equal means unchanged."""
    wanted = [(key, "NoSchedule") for key in no_schedule_keys(node)]
    if key := _no_execute_key(node, eviction):
        wanted.append((key, "NoExecute"))
    kept = [taint for taint in node.spec.taints if not _is_ours(taint) or (taint.key, taint.effect) in wanted]
    present = {(taint.key, taint.effect) for taint in kept}
    moment = format_time(now)
    return kept + [
        Taint(key=key, effect=effect, time_added=moment) for key, effect in wanted if (key, effect) not in present
    ]


def no_schedule_keys(node: Node) -> list[str]:
    """A node that has not said anything yet has no condition, and keeps the taint it registered with."""
    keys = [key for one in node.status.conditions if (key := _BY_CONDITION.get((one.type, one.status))) is not None]
    if not any(one.type == "Ready" for one in node.status.conditions):
        keys += [one.key for one in node.spec.taints if one.key == NOT_READY and one.effect == "NoSchedule"]
    return [*keys, UNSCHEDULABLE] if node.spec.unschedulable else keys


def _no_execute_key(node: Node, eviction: Eviction) -> str:
    state = readiness(node)
    if state == "True" or eviction is Eviction.STOP:
        return ""
    if eviction is Eviction.KEEP and not is_being_evicted(node):
        return ""
    return NOT_READY if state == "False" else UNREACHABLE


def is_being_evicted(node: Node) -> bool:
    return any(taint.key in _NO_EXECUTE_KEYS and taint.effect == "NoExecute" for taint in node.spec.taints)


def _is_ours(taint: Taint) -> bool:
    if taint.effect == "NoExecute":
        return taint.key in _NO_EXECUTE_KEYS
    return taint.effect == "NoSchedule" and taint.key in _NO_SCHEDULE_KEYS
