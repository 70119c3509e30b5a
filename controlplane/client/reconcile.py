"""The loop of every controller: take a key, make the world match, try again later if that failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from controlplane.api.status import Conflict, StatusError
from controlplane.client.transport import Unreachable
from controlplane.client.workqueue import ShutDown, WorkQueue

_log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

Reconcile = Callable[[K], Awaitable[float | None]]
"""Raising means "again, later"; returning None means done; returning seconds means "again after"."""


class Reconciler(Generic[K]):
    """Runs `reconcile` on the keys of a queue, several at once but never one key twice at once."""

    def __init__(self, name: str, reconcile: Reconcile[K], queue: WorkQueue[K], *, workers: int = 1):
        self._name, self._reconcile, self._queue, self._workers = name, reconcile, queue, workers
        self._said: dict[K, str] = {}  # what is wrong with each key, said once and not at every retry

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._queue.keep_time())
            for _ in range(self._workers):
                tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                key = await self._queue.get()
            except ShutDown:
                return
            try:
                await self._reconcile_one(key)
            finally:
                self._queue.done(key)

    async def _reconcile_one(self, key: K) -> None:
        try:
            again = await self._reconcile(key)
        except Exception as error:
            self._say(key, error)
            self._queue.add_rate_limited(key)
            return
        self._queue.forget(key)
        if self._said.pop(key, None) is not None:
            _log.info("%s: %s: recovered", self._name, key)
        if again is not None:
            self._queue.add_after(key, again)

    def _say(self, key: K, error: Exception) -> None:
        if isinstance(error, Conflict):
            _log.debug("%s: %s: somebody else was faster, again: %s", self._name, key, error)
            return
        known, self._said[key] = self._said.get(key), f"{type(error).__name__}: {error}"
        if self._said[key] == known:
            _log.debug("%s: %s: still: %s", self._name, key, error)
        elif isinstance(error, StatusError | Unreachable):
            _log.warning("%s: %s: again later: %s", self._name, key, error)
        else:
            _log.error("%s: %s: again later", self._name, key, exc_info=error)
