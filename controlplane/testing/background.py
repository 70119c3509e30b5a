"""An event loop in a thread of its own, so that a program that blocks can use what is asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 30.0  # seconds for what runs in the background to come up, and to end


class Background(Generic[T]):
    """What an asynchronous context manager yielded, alive in another thread."""

    def __init__(self, value: T, loop: asyncio.AbstractEventLoop):
        self.value, self._loop = value, loop

    def run(self, work: Coroutine[Any, Any, R], timeout: float = _PATIENCE) -> R:
        """Run a coroutine on the background's loop and return its result. Raises what it raises, and TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)


@contextmanager
def in_background(open_: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[Background[T]]:
    """Enter `open_()` in a new thread, and leave it when the block ends. Raises what entering or leaving it raises."""
    up: Future[tuple[Background[T], asyncio.Event]] = Future()
    ended: Future[None] = Future()

    async def live() -> None:
        enough = asyncio.Event()
        async with open_() as value:
            up.set_result((Background(value, asyncio.get_running_loop()), enough))
            await enough.wait()

    def main() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            (ended if up.done() else up).set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=main, name="sampan", daemon=True)
    thread.start()
    background, enough = up.result(_PATIENCE)
    try:
        yield background
    finally:
        background._loop.call_soon_threadsafe(enough.set)
        thread.join(_PATIENCE)
    ended.result(0)
