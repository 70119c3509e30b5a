"""Since when each node is silent, by our own clock."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.api.coordination_v1 import Lease
from controlplane.api.core_v1 import Node
from controlplane.controllers import conditions

_Signs = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Heard:
    signs: _Signs
    at: float


class Heartbeats:
    """Remembers, by node, the last signs of life and when they changed; times are monotonic seconds."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def observe(self, node: Node, lease: Lease | None, now: float) -> float:
        """Take note of the node as it is now; return for how many seconds it has been silent."""
        name, signs = node.metadata.name, _signs(node, lease)
        heard = self._heard.get(name)
        if heard is None or heard.signs != signs:
            heard = self._heard[name] = _Heard(signs, now)
        return now - heard.at

    def keep_only(self, names: set[str]) -> None:
        self._heard = {name: heard for name, heard in self._heard.items() if name in names}

    def forgive(self, now: float) -> None:
        """Count every silence from now: we were deaf, not they mute."""
        self._heard = {name: _Heard(heard.signs, now) for name, heard in self._heard.items()}


def _signs(node: Node, lease: Lease | None) -> _Signs:
    ready = conditions.find(node.status.conditions, "Ready")
    heartbeat = (ready.last_heartbeat_time or "") if ready is not None else ""
    renewed = (lease.spec.renew_time or "") if lease is not None else ""
    return node.metadata.uid, heartbeat, renewed
