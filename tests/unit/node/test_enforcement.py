"""What all pods together may use, and how that is told."""

from __future__ import annotations

import pytest

from controlplane.api.core_v1 import Node
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.kit.clock import ManualClock
from controlplane.kit.tasks import running
from nodeagent.kernel.cgroup import Limits
from nodeagent.node.enforcement import RETRY_SECONDS, enforce, limits_of
from nodeagent.node.machine import Machine

GIB = 2**30
MACHINE = Machine(2, 4 * GIB, 100 * GIB, "m", "u", "b", "6.1", "Debian GNU/Linux 12", "amd64")


@pytest.mark.parametrize(
    ("reserved", "limits"),
    [
        pytest.param({}, None, id="nothing reserved, nothing to hold them to"),
        pytest.param({"cpu": 100, "memory": GIB}, Limits(3 * GIB, 1900), id="cores and memory"),
        pytest.param({"pid": 1000}, Limits(4 * GIB, 2000, 9000), id="process ids"),
    ],
)
def test_limits(reserved: dict[str, int], limits: Limits | None) -> None:
    assert limits_of(MACHINE, reserved, pids=10_000) == limits


async def test_a_limit_that_pods_exceed_already_is_tried_again() -> None:
    clock, told, written, failures = ManualClock(), [], [], [True, True, False]

    def tell(node: Node, type_: str, reason: str, message: str) -> None:
        told.append(reason)

    def write(path: str, limits: Limits) -> None:
        if failures.pop(0):
            raise OSError(16, "Device or resource busy")
        written.append((path, limits))

    node, limits = Node(metadata=ObjectMeta(name="n1")), Limits(GIB, 1000)
    async with running(enforce(limits, node, clock, tell, write)):
        await clock.advance(RETRY_SECONDS)
        assert told == ["FailedNodeAllocatableEnforcement"]
        await clock.advance(RETRY_SECONDS)
        assert told == ["FailedNodeAllocatableEnforcement", "NodeAllocatableEnforced"]
        assert written == [("/kubepods", limits)]
