"""Writes the Node's status: soon when it changes, and every 5 minutes although nothing did.

well                 look every 10 s
something is amiss   look after 0.1 s, 0.2 s, … and every 5 s: who waits for the node should not wait for us
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Node, NodeStatus
from controlplane.api.status import StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.transport import Unreachable
from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from nodeagent.node.changes import changes
from nodeagent.node.render import NodeSettings, Observed, render_status, same_but_for_heartbeats

log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0  # upstream's nodeStatusUpdateFrequency
REPORT_SECONDS = 300.0  # upstream's nodeStatusReportFrequency
AMISS = Backoff(first=0.1, cap=5.0)

# The conditions that are ours to write; what others say of the node is theirs to change.
OWNED = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")

Observe = Callable[[], Awaitable[Observed]]
Tell = Callable[[Node, str, str, str], None]
"""Records an event about the node: its type, its reason, its message."""


def tell_nobody(node: Node, type_: str, reason: str, message: str) -> None:
    """For who does not want to know."""


class StatusWriter:
    """Keeps the Node's status in the API in step with what is observed."""

    def __init__(
        self, settings: NodeSettings, observe: Observe, client: Client, clock: Clock, tell: Tell = tell_nobody
    ):
        self._settings, self._observe, self._client, self._clock = settings, observe, client, clock
        self._tell = tell
        self._written: NodeStatus | None = None
        self._written_at = 0.0

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Look and write until cancelled; call `on_ready` once, when the node is ready for the first time."""
        failing, was_ready, amiss = False, False, 0
        while True:
            observed = None
            try:
                observed = await self._observe()
                await self.write(observed)
            except (Unreachable, StatusError, OSError) as error:
                # A Node that was deleted stays away, as with upstream's kubelet, until this agent is started again.
                if not failing:
                    log.warning("cannot write the node status, trying on: %s", error)
                failing, self._written = True, None
            else:
                if failing:
                    log.info("node status written again")
                failing = False
                if not observed.amiss and not was_ready:
                    was_ready = True
                    on_ready()
            amiss = amiss + 1 if observed is not None and observed.amiss else 0
            await self._clock.sleep(AMISS.delay(amiss - 1) if amiss else CHECK_SECONDS)

    async def write(self, observed: Observed) -> bool:
        """Write the status if it changed or is due; return whether it was written."""
        previous = self._written
        if previous is None:
            previous = (await self._client.get(Node, self._settings.name)).status
        status = render_status(self._settings, observed, previous, self._clock.now())
        due = self._clock.monotonic() - self._written_at >= REPORT_SECONDS
        if self._written is not None and not due and same_but_for_heartbeats(self._written, status):
            return False
        node = await self._client.patch(
            Node, self._settings.name, status_patch(status), kind=PatchType.STRATEGIC, subresource="status"
        )
        self._written, self._written_at = node.status, self._clock.monotonic()
        for told in changes(self._settings.name, previous, node.status):
            self._tell(node, *told)
        return True


def status_patch(status: NodeStatus) -> Document:
    """Return the strategic merge patch of our part of the status: conditions of others stay, addresses are replaced."""
    document = to_document(status)
    document["conditions"] = [one for one in document.get("conditions", []) if one["type"] in OWNED]
    document["addresses"] = [{"$patch": "replace"}, *document.get("addresses", [])]
    return {"status": document}
