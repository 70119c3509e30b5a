"""Decides how much history a store keeps, and has the rest forgotten."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

from controlplane.kit.clock import Clock
from controlplane.store.interface import Store, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CompactionPolicy:
    """Every `interval` seconds, forget what is older than `keep` seconds: upstream's --etcd-compaction-interval."""

    interval: float = 300.0
    keep: float = 300.0


class Compactor:
    """Remembers which revision was the newest when, and compacts at the youngest one that is old enough."""

    def __init__(self, store: Store, clock: Clock, policy: CompactionPolicy):
        self._store, self._clock, self._policy = store, clock, policy
        self._marks: deque[tuple[float, int]] = deque()

    async def run(self) -> None:
        """Compact regularly, until cancelled."""
        while True:
            self._marks.append((self._clock.monotonic(), await self._store.revision()))
            await self._clock.sleep(self._policy.interval)
            revision = self._due()
            if revision:
                await self._compact(revision)

    def _due(self) -> int:
        oldest_kept = self._clock.monotonic() - self._policy.keep
        revision = 0
        while self._marks and self._marks[0][0] <= oldest_kept:
            revision = self._marks.popleft()[1]
        return revision

    async def _compact(self, revision: int) -> None:
        try:
            await self._store.compact(revision)
        except StoreError as error:
            log.warning("cannot compact to revision %d, trying again later: %s", revision, error)
