"""Which changes in the cluster may help which waiting pod: the hints that spare useless attempts.

Every filter that rejected a pod is asked about every change; one "this may help me" gives the pod another turn. A hint
may be wrong in saying yes (one attempt in vain), never in saying no (a pod that waits five minutes for nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.api.core_v1 import Node, Pod
from controlplane.api.node_selection import selects_node
from controlplane.api.taints import untolerated
from controlplane.scheduler.filters import (
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node came (old is None), changed or went (new is None)."""

    old: Node | None
    new: Node | None

    @property
    def name(self) -> str:
        """How upstream's metrics call it."""
        return "NodeAdd" if self.old is None else "NodeDelete" if self.new is None else "NodeUpdate"


@dataclass(frozen=True, slots=True)
class PodChange:
    """A pod that has a node came, changed or went (deleted or finished)."""

    old: Pod | None
    new: Pod | None

    @property
    def name(self) -> str:
        return (
            "AssignedPodAdd" if self.old is None else "AssignedPodDelete" if self.new is None else "AssignedPodUpdate"
        )


Change: TypeAlias = NodeChange | PodChange
Hint: TypeAlias = Callable[[Pod, Change], bool]


def may_help(pod: Pod, rejected_by: Iterable[str], change: Change) -> bool:
    """Return whether any filter that rejected the pod may now let it pass."""
    return any(HINTS[name](pod, change) for name in rejected_by)


def is_relevant(change: Change) -> bool:
    """Return whether a change can help any pod at all: heartbeats and status updates cannot."""
    if change.old is None or change.new is None:
        return not isinstance(change, NodeChange) or change.new is not None
    if isinstance(change, NodeChange):
        return _scheduling_part(change.old) != _scheduling_part(change.new)
    return change.old.metadata.labels != change.new.metadata.labels


def _scheduling_part(node: Node) -> tuple[object, ...]:
    spec = node.spec
    return (node.metadata.labels, spec.taints, bool(spec.unschedulable), node.status.allocatable)


def _node_comes_or_changes(_: Pod, change: Change) -> bool:
    return isinstance(change, NodeChange) and change.new is not None


def _node_is_schedulable(_: Pod, change: Change) -> bool:
    return isinstance(change, NodeChange) and change.new is not None and not change.new.spec.unschedulable


def _taints_are_tolerated(pod: Pod, change: Change) -> bool:
    if not isinstance(change, NodeChange) or change.new is None:
        return False
    return not any(untolerated(change.new.spec.taints, pod.spec.tolerations, taint_toleration.EFFECTS))


def _node_is_selected(pod: Pod, change: Change) -> bool:
    return isinstance(change, NodeChange) and change.new is not None and selects_node(pod, change.new)


def _something_is_freed(_: Pod, change: Change) -> bool:
    if isinstance(change, PodChange):
        return change.new is None
    old, new = change.old, change.new
    return new is not None and (old is None or old.status.allocatable != new.status.allocatable)


def _neighbours_change(_: Pod, change: Change) -> bool:
    """Pods that came, went or changed labels, nodes that came, went or changed labels: all move domains."""
    return isinstance(change, PodChange) or change.old is None or change.new is None or _labels_differ(change)


def _labels_differ(change: NodeChange) -> bool:
    old, new = change.old, change.new
    return old is None or new is None or old.metadata.labels != new.metadata.labels or old.spec != new.spec


HINTS: Mapping[str, Hint] = {
    node_unschedulable.NAME: _node_is_schedulable,
    node_name.NAME: _node_comes_or_changes,
    taint_toleration.NAME: _taints_are_tolerated,
    node_affinity.NAME: _node_is_selected,
    node_ports.NAME: _something_is_freed,
    node_resources_fit.NAME: _something_is_freed,
    pod_topology_spread.NAME: _neighbours_change,
    inter_pod_affinity.NAME: _neighbours_change,
}
