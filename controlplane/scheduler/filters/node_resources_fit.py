"""What the pod requests must be left on the node, and a place among its pods."""

from __future__ import annotations

from controlplane.scheduler.filters import Rejection, Test
from controlplane.scheduler.snapshot import NodeInfo, PodInfo, Snapshot

NAME = "NodeResourcesFit"


def prepare(pod: PodInfo, _: Snapshot) -> Test:
    wanted = [(name, amount) for name, amount in pod.requests.items() if amount > 0]

    def test(node: NodeInfo) -> Rejection | None:
        offered, taken = node.allocatable, node.requested
        short = ["Too many pods"] if len(node.pods) + 1 > offered.get("pods", 0) else []
        hopeless = False
        for name, amount in wanted:
            if amount > offered.get(name, 0) - taken.get(name, 0):
                short.append(f"Insufficient {name}")
                hopeless = hopeless or amount > offered.get(name, 0)
        return Rejection(tuple(short), final=hopeless) if short else None

    return test
