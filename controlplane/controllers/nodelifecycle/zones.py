"""How many nodes may lose their pods, and how fast: the more of a zone is down, the likelier it is not the nodes.

state of a zone       when                                          nodes per second that may be evicted
Normal                otherwise                                     0.1
PartialDisruption     at least 55 % and more than two are not ready  0.01 if it has more than 50 nodes, else 0
FullDisruption        none is ready                                 0.1
every zone is FullDisruption: we are cut off, not they: nobody is evicted at all
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from controlplane.api.core_v1 import Node
from controlplane.controllers.nodelifecycle.health import readiness

_REGION, _ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"


class ZoneState(StrEnum):
    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


@dataclass(frozen=True, slots=True)
class Rates:
    """Upstream's defaults: nodes per second, nodes, and a share."""

    normal: float = 0.1
    reduced: float = 0.01
    large_zone: int = 50
    unhealthy_share: float = 0.55


@dataclass(frozen=True, slots=True)
class Zone:
    """How many nodes of a zone there are, and how many of them are not ready."""

    size: int
    not_ready: int

    def state(self, rates: Rates) -> ZoneState:
        if self.size and self.not_ready == self.size:
            return ZoneState.FULL
        if self.not_ready > 2 and self.not_ready / self.size >= rates.unhealthy_share:
            return ZoneState.PARTIAL
        return ZoneState.NORMAL

    def rate(self, rates: Rates) -> float:
        """Return how many nodes a second may be evicted."""
        if self.state(rates) is ZoneState.PARTIAL:
            return rates.reduced if self.size > rates.large_zone else 0.0
        return rates.normal


def zone_of(node: Node) -> str:
    """Return the name of the node's zone: "region/zone", or "" where nodes have no such labels."""
    labels = node.metadata.labels
    return "/".join(filter(None, (labels.get(_REGION, ""), labels.get(_ZONE, ""))))


def count_zones(nodes: Iterable[Node]) -> dict[str, Zone]:
    counts: dict[str, list[int]] = {}
    for node in nodes:
        count = counts.setdefault(zone_of(node), [0, 0])
        count[0] += 1
        count[1] += readiness(node) != "True"
    return {name: Zone(size, not_ready) for name, (size, not_ready) in counts.items()}


def all_are_down(zones: Mapping[str, Zone], rates: Rates) -> bool:
    return bool(zones) and all(zone.state(rates) is ZoneState.FULL for zone in zones.values())


class Turns:
    """Which nodes of a zone may be evicted now: one at once, then at the zone's rate. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[float, float]] = {}  # zone: what is left, and when that was counted

    def take(self, zone: str, rate: float, now: float) -> bool:
        """Take a turn, if there is one."""
        left, since = self._tokens.get(zone, (1.0, now))
        left = min(1.0, left + (now - since) * rate)
        taken = rate > 0 and left >= 1 - 1e-9
        self._tokens[zone] = (left - 1 if taken else left, now)
        return taken
