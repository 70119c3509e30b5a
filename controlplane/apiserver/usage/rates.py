"""Two readings of a node to what it and its pods use: CPU is a rate between them, memory the later one's working set.

As metrics-server computes it:

    earlier   10 s of CPU at 12:00:00      later   13 s of CPU at 12:00:15      0.2 cores, over a window of 15 s
    a container that started in between    since its start, once that is 10 s ago
    a pod of which one container is not known yet is left out: half a sum would mislead an autoscaler
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.api.base import Quantity
from controlplane.api.quantity import Amount, render
from controlplane.apiserver.usage.exposition import PodName, Point, Reading

_YOUNGEST = 10.0  # seconds that a container must have run for its start to count as a reading
_OLDEST = 120.0  # seconds after which an average since the start says nothing of now
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What is used: cores, bytes; CPU averaged over `window` seconds until `at`, in seconds since the epoch."""

    at: float
    window: float
    cores: float
    memory: int

    def usage(self) -> dict[str, Quantity]:
        """Return it as Kubernetes writes amounts."""
        cpu = render(Amount(round(self.cores * _NANO), "SI"))
        return {"cpu": cpu, "memory": render(Amount(self.memory * _NANO, "Binary"))}


def rate_of(earlier: Point | None, later: Point) -> Rate | None:
    """Return what is used; None: not known yet."""
    if later.cpu is None or later.memory is None:
        return None
    if earlier is not None and earlier.cpu is not None and later.started_at <= earlier.at:
        window, used = later.at - earlier.at, later.cpu - earlier.cpu
        # A counter that went back is another one's: the node has restarted, or is another node of the same name.
        return Rate(later.at, window, used / window, later.memory) if window > 0 and used >= 0 else None
    age = later.at - later.started_at
    if later.started_at and _YOUNGEST <= age <= _OLDEST:
        return Rate(later.at, age, later.cpu / age, later.memory)
    return None


def rate_of_node(earlier: Reading, later: Reading) -> Rate | None:
    return rate_of(earlier.node, later.node) if earlier.node is not None and later.node is not None else None


def rates_of_pod(earlier: Reading, later: Reading, pod: PodName) -> Mapping[str, Rate]:
    """Return what each container of a pod uses; empty: not known yet of all of them."""
    before = earlier.pods.get(pod, {})
    found = {name: rate_of(before.get(name), point) for name, point in later.pods.get(pod, {}).items()}
    known = {name: rate for name, rate in found.items() if rate is not None}
    return known if len(known) == len(found) else {}
