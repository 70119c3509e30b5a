"""Which pods to delete, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from controlplane.api.core_v1 import Node, Pod
from controlplane.controllers import conditions
from controlplane.controllers.pods import has_finished, is_terminating

_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A pod to delete; `why` is the message of its DisruptionTarget condition, or empty if nobody is disrupted."""

    pod: Pod
    why: str = ""


def beyond_threshold(pods: Iterable[Pod], threshold: int) -> list[Doomed]:
    """Return the finished pods there are too many of; a threshold of 0 or less keeps all."""
    if threshold <= 0:
        return []
    finished = [pod for pod in pods if has_finished(pod)]
    surplus = len(finished) - threshold
    if surplus <= 0:
        return []
    return [Doomed(pod) for pod in sorted(finished, key=_least_wanted)[:surplus]]


def _least_wanted(pod: Pod) -> tuple[bool, str, str]:
    """Evicted pods first (they tell least), then by age."""
    evicted = pod.status.phase == "Failed" and pod.status.reason == "Evicted"
    return not evicted, pod.metadata.creation_timestamp or "", pod.metadata.name


def unscheduled(pods: Iterable[Pod]) -> list[Doomed]:
    return [Doomed(pod) for pod in pods if is_terminating(pod) and not pod.spec.node_name]


def out_of_service(pods: Iterable[Pod], node_of: Callable[[str], Node | None]) -> list[Doomed]:
    """Return terminating pods on nodes that an administrator declared dead."""
    why = "PodGC: node was out-of-service"
    return [Doomed(pod, why) for pod in pods if is_terminating(pod) and _is_dead(node_of(pod.spec.node_name))]


def _is_dead(node: Node | None) -> bool:
    if node is None:
        return False
    ready = conditions.find(node.status.conditions, "Ready")
    tainted = any(taint.key == _OUT_OF_SERVICE for taint in node.spec.taints)
    return tainted and (ready is None or ready.status != "True")


def orphaned(pods: Iterable[Pod], gone: Collection[str]) -> list[Doomed]:
    """Return the pods of nodes that are certainly gone."""
    return [Doomed(pod, "PodGC: node no longer exists") for pod in pods if pod.spec.node_name in gone]


def unknown_nodes(pods: Iterable[Pod], known: Collection[str]) -> set[str]:
    return {pod.spec.node_name for pod in pods if pod.spec.node_name and pod.spec.node_name not in known}


class Quarantine:
    """Nodes that pods name and the cache lacks; believed gone only after a while: it may just be behind."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def served(self, unknown: Collection[str], now: float) -> Iterator[str]:
        """Yield the nodes that have been unknown for long enough; who is known again starts anew."""
        self._since = {name: self._since.get(name, now) for name in unknown}
        yield from (name for name, since in self._since.items() if now - since >= self._seconds)


def once_each(doomed: Sequence[Doomed]) -> list[Doomed]:
    return list({one.pod.metadata.uid: one for one in doomed}.values())
