"""Topology spread constraints, compiled: which pods count, and on which nodes."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.api.core_v1 import Pod, TopologySpreadConstraint
from controlplane.api.node_selection import selects_node
from controlplane.api.selectors import Requirement, Selector, label_selector
from controlplane.api.taints import untolerated
from controlplane.scheduler.snapshot import NodeInfo


@dataclass(frozen=True, slots=True)
class Constraint:
    """Spread the namespace's pods that `selector` selects over the values of `topology_key`."""

    namespace: str
    selector: Selector
    topology_key: str
    max_skew: int
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False

    def matches(self, pod: Pod) -> bool:
        return self.selector.matches(pod.metadata.labels)

    def count(self, node: NodeInfo) -> int:
        """Return how many pods on the node count; those being deleted do not."""
        return sum(
            other.pod.metadata.deletion_timestamp is None
            and other.key.namespace == self.namespace
            and self.matches(other.pod)
            for other in node.pods.values()
        )


def constraints_of(pod: Pod, when_unsatisfiable: str) -> tuple[Constraint, ...]:
    """Return the pod's constraints of one kind: DoNotSchedule or ScheduleAnyway."""
    return tuple(
        _compile(pod, one)
        for one in pod.spec.topology_spread_constraints
        if one.when_unsatisfiable == when_unsatisfiable
    )


def counts_node(constraint: Constraint, pod: Pod, node: NodeInfo) -> bool:
    """Return whether the pod could go to the node as far as this constraint wants that looked at."""
    if constraint.honors_affinity and not selects_node(pod, node.node):
        return False
    effects = ("NoSchedule", "NoExecute")
    return not (constraint.honors_taints and any(untolerated(node.node.spec.taints, pod.spec.tolerations, effects)))


def _compile(pod: Pod, one: TopologySpreadConstraint) -> Constraint:
    selector = label_selector(one.label_selector)
    labels = pod.metadata.labels
    own = tuple(Requirement(key, "in", (labels[key],)) for key in one.match_label_keys if key in labels)
    return Constraint(
        namespace=pod.metadata.namespace,
        selector=Selector((*selector.requirements, *own), selector.nothing),
        topology_key=one.topology_key,
        max_skew=one.max_skew or 1,
        min_domains=one.min_domains or 1,
        honors_affinity=one.node_affinity_policy != "Ignore",
        honors_taints=one.node_taints_policy == "Honor",
    )
