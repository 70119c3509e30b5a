"""From requests and limits to the kernel's numbers, and the quality of service they amount to."""

from __future__ import annotations

from controlplane.api import qos, quantity
from controlplane.api.codec import to_document
from controlplane.api.core_v1 import Container, EphemeralContainer, Pod, ResourceRequirements
from nodeagent.cri import cri_pb2 as cri

_PERIOD = 100_000  # microseconds over which a CPU quota is counted
_MIN_QUOTA = 1_000  # microseconds: the kernel takes no less
_MIN_SHARES = 2  # likewise
SYSTEM_CRITICAL = 2_000_000_000  # the priority from which a pod is critical to the node

_GUARANTEED_SCORE, _BEST_EFFORT_SCORE = -997, 1000


def qos_class(pod: Pod) -> str:
    """Return the pod's quality of service: the API server says so, but not of a static pod."""
    return pod.status.qos_class or qos.qos_class(to_document(pod.spec))


def linux_resources(
    pod: Pod, container: Container | EphemeralContainer, memory_capacity: int
) -> cri.LinuxContainerResources:
    """Return what the kernel is told of a container; `memory_capacity` is the node's, in bytes."""
    wanted = container.resources or ResourceRequirements()
    cpu_limit = quantity.milli_value(wanted.limits.get("cpu", 0))
    cpu_request = quantity.milli_value(wanted.requests.get("cpu", wanted.limits.get("cpu", 0)))
    rendered = cri.LinuxContainerResources(
        cpu_shares=shares(cpu_request),
        memory_limit_in_bytes=quantity.value(wanted.limits.get("memory", 0)),
        oom_score_adj=oom_score_adjust(pod, wanted, memory_capacity),
    )
    if cpu_limit:
        rendered.cpu_period = _PERIOD
        rendered.cpu_quota = max(_MIN_QUOTA, cpu_limit * _PERIOD // 1000)
    return rendered


def shares(milli_cpu: int) -> int:
    """Return cgroup v1's cpu.shares, which the runtime converts for v2: 1,024 a core."""
    return max(_MIN_SHARES, milli_cpu * 1024 // 1000)


def oom_score_adjust(pod: Pod, wanted: ResourceRequirements, memory_capacity: int) -> int:
    """Return how eagerly the kernel kills a container when the node runs out of memory.

    Best effort goes first; a burstable one the sooner, the less of the node's memory it asked for.
    """
    if (pod.spec.priority or 0) >= SYSTEM_CRITICAL:
        return _GUARANTEED_SCORE
    match qos_class(pod):
        case qos.GUARANTEED:
            return _GUARANTEED_SCORE
        case qos.BEST_EFFORT:
            return _BEST_EFFORT_SCORE
    request = quantity.value(wanted.requests.get("memory", wanted.limits.get("memory", 0)))
    score = 1000 - 1000 * request // max(1, memory_capacity)
    # Never as safe as guaranteed pods, never as exposed as best effort ones.
    return min(max(score, 1000 + _GUARANTEED_SCORE), _BEST_EFFORT_SCORE - 1)
