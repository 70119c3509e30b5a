"""The things under way for one pod, each a task: never two under one key, and no failure in a tight loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from controlplane.kit.backoff import Backoff
from controlplane.kit.clock import Clock
from nodeagent.cri.errors import RuntimeFailure
from nodeagent.pods.restart import still_to_come

_log = logging.getLogger(__name__)
_RETRY = Backoff(first=0.5, cap=30.0)

Work = Callable[[], Coroutine[Any, Any, None]]


class Kind(Enum):
    """What an operation does; the first three work on a container, or on the sandbox under the key ""."""

    SANDBOX = "make the sandbox"
    START = "start a container"
    KILL = "kill a container"
    VOLUMES = "set up volumes"
    STOP = "stop a sandbox"
    REMOVE = "remove what is dead"
    DELETE = "delete the pod from the API"
    CLEAN = "clean up"


_ON_CONTAINERS = (Kind.SANDBOX, Kind.START, Kind.KILL)


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: Kind
    task: asyncio.Task[None]


Failed = Callable[[str, Kind, Exception, datetime], None]
"""Learns what failed under which key, and when it may be tried again."""


class Operations:
    """Runs operations in a task group; `on_failure` is called after those that failed, `on_end` after each."""

    def __init__(
        self, name: str, tasks: asyncio.TaskGroup, clock: Clock, on_end: Callable[[], None], on_failure: Failed
    ):
        self._name, self._tasks, self._clock = name, tasks, clock
        self._on_end, self._on_failure = on_end, on_failure
        self._running: dict[str, _Operation] = {}
        self._failures: dict[str, int] = {}
        self._held: dict[str, datetime] = {}

    @property
    def busy(self) -> frozenset[str]:
        """The names of containers ("" is the sandbox) that something is being done to."""
        return frozenset(key for key, operation in self._running.items() if operation.kind in _ON_CONTAINERS)

    def runs(self, kind: Kind) -> bool:
        return any(operation.kind is kind for operation in self._running.values())

    def begin(self, key: str, kind: Kind, work: Work) -> None:
        """Start `work` unless something runs under `key`, or failed there a moment ago."""
        held = self._held.get(key)
        if key in self._running or (held is not None and still_to_come(held, self._clock.now())):
            return
        self._running[key] = _Operation(kind, self._tasks.create_task(self._run(key, kind, work)))

    def cancel(self, *kinds: Kind) -> None:
        for operation in self._running.values():
            if operation.kind in kinds:
                operation.task.cancel()

    def retry_at(self) -> datetime | None:
        """Return when the first of what failed may be tried again."""
        now = self._clock.now()
        return min((moment for moment in self._held.values() if moment > now), default=None)

    async def _run(self, key: str, kind: Kind, work: Work) -> None:
        try:
            await work()
        except (RuntimeFailure, OSError) as error:
            _log.warning("pod %s: could not %s: %s", self._name, kind.value, error)
            self._on_failure(key, kind, error, self._hold(key))
        except Exception as error:
            _log.exception("pod %s: could not %s", self._name, kind.value)
            self._on_failure(key, kind, error, self._hold(key))
        else:
            self._failures.pop(key, None)
            self._held.pop(key, None)
        finally:
            self._running.pop(key, None)
            self._on_end()

    def _hold(self, key: str) -> datetime:
        """Return until when nothing is done under the key."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        until = self._held[key] = self._clock.now() + timedelta(seconds=_RETRY.delay(count))
        return until
