"""Holds all pods together to what is not reserved: limits on the cgroup that contains them.

With nothing reserved the limit would be the machine itself, so nothing is written then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from controlplane.api.core_v1 import Node
from controlplane.kit.clock import Clock
from nodeagent.kernel import cgroup
from nodeagent.kernel.cgroup import Limits
from nodeagent.node.machine import Machine
from nodeagent.node.status import Tell

log = logging.getLogger(__name__)

PODS = "/kubepods"
RETRY_SECONDS = 60.0  # upstream's pause between tries

Write = Callable[[str, Limits], None]


def limits_of(machine: Machine, reserved: Mapping[str, int], pids: int) -> Limits | None:
    """Return what all pods together may use, or None if nothing is reserved.

    What is kept for eviction is not reserved: pods may use it for a moment, and are ended for that. `pids` is how many
    process ids there are.
    """
    if not reserved:
        return None
    return Limits(
        memory=machine.memory - reserved.get("memory", 0),
        milli_cpu=machine.cpus * 1000 - reserved.get("cpu", 0),
        pids=pids - reserved["pid"] if "pid" in reserved else None,
    )


async def enforce(limits: Limits, node: Node, clock: Clock, tell: Tell, write: Write = cgroup.limit) -> None:
    """Limit the pods' cgroup, trying on until that is done, and tell so in an event."""
    failing = False
    while True:
        try:
            write(PODS, limits)
        except OSError as error:
            if not failing:
                log.warning("cannot limit %s, trying on: %s", PODS, error)
                words = f"Failed to update Node Allocatable Limits [{PODS.strip('/')}]: {error}"
                tell(node, "Warning", "FailedNodeAllocatableEnforcement", words)
            failing = True
            await clock.sleep(RETRY_SECONDS)
            continue
        tell(node, "Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")
        return
