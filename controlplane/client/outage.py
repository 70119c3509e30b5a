"""A server that cannot be reached, as all who watch it through one client find out together.

Two hundred watches that lose their server have one thing to say, and so it is said once; whoever reaches the server
again wakes the others, who would wait for up to a minute.
"""

from __future__ import annotations

import asyncio
import logging

from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)


class Outage:
    """Who is without the server now."""

    def __init__(self) -> None:
        self.back = asyncio.Event()  # set for a moment when somebody reaches the server again
        self._without: set[object] = set()
        self._began = 0.0
        self._most = 0  # were without it at the same time

    def lost(self, who: object, error: Exception, clock: Clock) -> None:
        """Note that a watch cannot reach the server."""
        if not self._without:
            self._began, self._most = clock.monotonic(), 0
            _log.warning("the API server is lost: %s", error)
        self._without.add(who)
        self._most = max(self._most, len(self._without))

    def over(self, who: object, clock: Clock) -> None:
        """Note that somebody has the server again."""
        if who not in self._without:
            return
        self._without.discard(who)
        self.back.set()
        self.back.clear()  # whoever waited has been woken
        if not self._without:
            seconds = clock.monotonic() - self._began
            _log.info("the API server is back: %d watches recovered within %.0f s", self._most, seconds)

    def forget(self, who: object) -> None:
        """Note that a watch is not wanted any more."""
        self._without.discard(who)
