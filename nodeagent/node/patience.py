"""Whether a problem has lasted long enough to say that the node is not ready.

A runtime that is restarted is back within seconds and its pods never noticed. Saying NotReady at once would taint the
node, and let the scheduler avoid it, for nothing. Upstream's kubelet waits as long before it reports its runtime down.
"""

from __future__ import annotations

PATIENCE = 30.0  # seconds: upstream's maxWaitForContainerRuntime
START_PATIENCE = 10.0  # seconds that an agent has to find again what worked before it was restarted


class Patience:
    """Remembers when the node was last well, in seconds of one monotonic clock. One never well gets no patience."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def was_ready(self, now: float) -> None:
        """The node was ready until this agent's predecessor stopped."""
        self._until = max(self._until, now + START_PATIENCE)

    def lasting(self, problems: tuple[str, ...], now: float) -> tuple[str, ...]:
        """Return the problems if the node has had some for too long, and none otherwise."""
        if not problems:
            self._until = now + PATIENCE
        return problems if now >= self._until else ()
