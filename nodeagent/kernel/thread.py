"""Threads for blocking kernel calls.

KernelThread    one thread: no netlink socket is shared, and calls run in the order they were made
KeyedThreads    a thread a call, one call at a time under a key (a pod): a call that never comes back holds its own key
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from controlplane.kit.clock import Clock

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class KernelThread:
    """Runs blocking calls one after the other, away from the event loop."""

    def __init__(self, name: str = "kernel"):
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: call(*args, **kwargs))

    def close(self) -> None:
        """Wait for the call under way, then end the thread."""
        self._executor.shutdown(wait=True)


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class KeyedThreads:
    """Runs blocking calls away from the event loop: one at a time under a key, `at_once` of different keys.

    The kernel lets nobody interrupt a call to a file system whose server is gone. Such a call gives its place to others
    after `patience` seconds, but keeps its key until it comes back. Threads are daemons: the process can always end.
    """

    def __init__(self, clock: Clock, *, at_once: int = 8, patience: float = 10.0):
        self._clock, self._patience = clock, patience
        self._places = asyncio.Semaphore(at_once)
        self._turns: dict[str, _Turn] = {}

    async def run(self, key: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns. When cancelled, the call still runs to its end, and holds the key until then."""
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            await turn.lock.acquire()
        except BaseException:
            self._leave(key, turn)
            raise
        try:
            await self._places.acquire()
        except BaseException:
            turn.lock.release()
            self._leave(key, turn)
            raise
        answer = self._start(key, turn, functools.partial(call, *args, **kwargs))
        return await self._wait(key, answer)

    async def _wait(self, key: str, answer: asyncio.Future[T]) -> T:
        passed = asyncio.create_task(self._clock.sleep(self._patience))
        try:
            await asyncio.wait((answer, passed), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        finally:
            passed.cancel()
            self._places.release()
        if not answer.done():
            _log.warning("%s: a call to the file system has not come back for %g s", key, self._patience)
        return await answer

    def _start(self, key: str, turn: _Turn, call: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                end = functools.partial(self._end, key, turn, answer, call(), None)
            except Exception as error:
                end = functools.partial(self._end, key, turn, answer, None, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(end)

        threading.Thread(target=work, name=f"files {key}", daemon=True).start()
        return answer

    def _end(self, key: str, turn: _Turn, answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        turn.lock.release()
        self._leave(key, turn)
        if not answer.cancelled():
            answer.set_result(result) if error is None else answer.set_exception(error)
        elif error is not None:
            _log.warning("%s: a call whose caller had given up failed: %s", key, error)

    def _leave(self, key: str, turn: _Turn) -> None:
        turn.users -= 1
        if not turn.users:
            del self._turns[key]
