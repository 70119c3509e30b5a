"""The life of a long-running process: until it is told to stop, or until something in it fails."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator

import uvloop

from controlplane.kit.explained import Explained

_log = logging.getLogger(__name__)


def run(main: Callable[[], Awaitable[None]]) -> int:
    """Run `main` until it ends or SIGTERM or SIGINT cancels it; return the exit code. Raises Explained."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_told(main))
        except Exception as error:
            for cause in _leaves(error):
                if isinstance(cause, Explained):
                    raise cause from error
            _log.critical("failed", exc_info=error)
            return 1
    return 0


async def _until_told(main: Callable[[], Awaitable[None]]) -> None:
    loop, work, told = asyncio.get_running_loop(), asyncio.ensure_future(main()), False

    def stop() -> None:
        nonlocal told
        told = True
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await work
    except asyncio.CancelledError:
        if not told:
            raise


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
