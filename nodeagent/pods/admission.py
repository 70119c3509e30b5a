"""Whether this node takes a pod that was assigned to it: the scheduler decided on a view that may have been old.

What speaks against a pod is found in upstream's order, and the first of it is said:

    another operating system · an identity policy the runtime cannot keep
    too little left of pods, cpu, memory, anything else that the node offers   (critical pods: preemption.py makes room)
    labels that node selector and required node affinity ask for · ports of the node that others have
    NoExecute taints that it does not tolerate   (not of pods from this node's own files)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from controlplane.api.core_v1 import Node, Pod
from controlplane.api.host_ports import host_ports
from controlplane.api.node_selection import selects_node
from controlplane.api.pod_requests import Resources, add, amounts, pod_requests
from controlplane.api.taints import untolerated
from nodeagent.pods import names
from nodeagent.pods.preemption import NoVictims, choose_victims, is_critical

_OS = "linux"
_OS_LABEL = "kubernetes.io/os"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, as the pod's status says it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The verdict: why the pod cannot run here, or which others have to end for it."""

    refusal: Refusal | None = None
    victims: tuple[Pod, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shortage:
    """Something of which too little is left."""

    resource: str
    requested: int
    used: int
    capacity: int

    @property
    def missing(self) -> int:
        return self.requested - (self.capacity - self.used)


def admit(pod: Pod, node: Node, others: Iterable[Pod]) -> Admission:
    """Return whether the pod may run beside the `others`, and at whose expense."""
    unfit = next(_foreign(pod, node), None)
    if unfit is not None:
        return _refused(*unfit)
    present = list(others)
    shortages = list(_shortages(pod, node, present))
    obstacles = list(_obstacles(pod, node, present))
    if shortages and not is_critical(pod):
        return _refused(f"OutOf{shortages[0].resource}", _words(shortages[0]))
    if obstacles:
        return _refused(*obstacles[0])
    if not shortages:
        return Admission()
    try:
        return Admission(victims=choose_victims(pod, present, {one.resource: one.missing for one in shortages}))
    except NoVictims as error:
        words = f"preemption: error finding a set of pods to preempt: {error}"
        return _refused(
            "UnexpectedAdmissionError", f"Unexpected error while attempting to recover from admission failure: {words}"
        )


def _refused(reason: str, words: str) -> Admission:
    return Admission(Refusal(reason, f"Pod was rejected: {words}"))


def _foreign(pod: Pod, node: Node) -> Iterator[tuple[str, str]]:
    """Yield what no change of this node's pods could make fit."""
    if pod.metadata.labels.get(_OS_LABEL, _OS) != _OS:
        yield (
            "PodOSSelectorNodeLabelDoesNotMatch",
            "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
        )
    if pod.spec.os is not None and pod.spec.os.name != _OS:
        yield "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"
    policy = pod.spec.security_context.supplemental_groups_policy if pod.spec.security_context else ""
    features = node.status.features
    if policy == "Strict" and not (features and features.supplemental_groups_policy):
        yield "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node"


def _shortages(pod: Pod, node: Node, present: Collection[Pod]) -> Iterator[_Shortage]:
    """Yield what the node has too little of: places first, then the well-known, then the others by name."""
    offered, used = amounts(node.status.allocatable), _used(present)
    if len(present) + 1 > offered.get("pods", len(present) + 1):
        yield _Shortage("pods", 1, len(present), offered["pods"])
    wanted = pod_requests(pod.spec)
    for name in sorted(wanted, key=lambda name: (_KNOWN.index(name) if name in _KNOWN else len(_KNOWN), name)):
        # What this node does not offer at all, such as a licence that the whole cluster shares, is not its to refuse.
        if wanted[name] > 0 and (name in offered or name in _KNOWN):
            capacity = offered.get(name, 0)
            if wanted[name] > capacity - used.get(name, 0):
                yield _Shortage(name, wanted[name], used.get(name, 0), capacity)


_KNOWN = ("cpu", "memory", "ephemeral-storage")


def _used(present: Iterable[Pod]) -> Resources:
    total: Resources = {}
    for one in present:
        add(total, pod_requests(one.spec))
    return total


def _words(short: _Shortage) -> str:
    return (
        f"Node didn't have enough resource: {short.resource}, requested: {short.requested}, "
        f"used: {short.used}, capacity: {short.capacity}"
    )


def _obstacles(pod: Pod, node: Node, present: Iterable[Pod]) -> Iterator[tuple[str, str]]:
    """Yield what is in the way and is no amount of something, under the names of the scheduler's rules."""
    if not selects_node(pod, node):
        yield _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    if pod.spec.node_name not in ("", node.metadata.name):
        yield _failed("NodeName", "node(s) didn't match the requested node name")
    wanted = list(host_ports(pod))
    if wanted and any(one.conflicts(taken) for other in present for taken in host_ports(other) for one in wanted):
        yield _failed("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    taints = () if names.is_static(pod) else node.spec.taints
    if any(untolerated(taints, pod.spec.tolerations, ("NoExecute",))):
        yield _failed("TaintToleration", "node(s) had untolerated taint(s)")


def _failed(rule: str, why: str) -> tuple[str, str]:
    return rule, f"Predicate {rule} failed: {why}"
