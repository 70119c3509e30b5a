"""Writes the Node's status: soon when it changes, and every 5 minutes although nothing did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from controlplane.api.codec import Document, to_document
from controlplane.api.core_v1 import Node, NodeStatus
from controlplane.api.status import StatusError
from controlplane.client.client import Client, PatchType
from controlplane.client.transport import Unreachable
from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.node.render import NodeSettings, Observed, render_status, same_but_for_heartbeats

log = logging.getLogger(__name__)

CHECK_SECONDS = 10.0  # upstream's nodeStatusUpdateFrequency
REPORT_SECONDS = 300.0  # upstream's nodeStatusReportFrequency

Observe = Callable[[], Awaitable[Observed]]


class StatusWriter:
    """Keeps the Node's status in the API in step with what is observed."""

    def __init__(self, settings: NodeSettings, observe: Observe, client: Client, clock: Clock):
        self._settings, self._observe, self._client, self._clock = settings, observe, client, clock
        self._hurry = asyncio.Event()
        self._written: NodeStatus | None = None
        self._written_at = 0.0

    def hurry(self) -> None:
        """Look again now: something that the status shows has changed."""
        self._hurry.set()

    async def run(self) -> None:
        failing = False
        while True:
            self._hurry.clear()
            try:
                await self.sync()
            except (Unreachable, StatusError, OSError) as error:
                # A Node that was deleted stays away, as with upstream's kubelet, until this agent is started again.
                if not failing:
                    log.warning("cannot write the node status, trying on: %s", error)
                failing, self._written = True, None
            else:
                if failing:
                    log.info("node status written again")
                failing = False
            await happens_within(self._hurry, CHECK_SECONDS, self._clock)

    async def sync(self) -> bool:
        """Write the status if it changed or is due; return whether it was written."""
        observed = await self._observe()
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
        return True


def status_patch(status: NodeStatus) -> Document:
    """Return the strategic merge patch of our part of the status: conditions of others stay, addresses are replaced."""
    document = to_document(status)
    document["addresses"] = [{"$patch": "replace"}, *document.get("addresses", [])]
    return {"status": document}
