"""A component's life as a process: its coroutines run together until it is told to stop, or one of them fails."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


async def run_until_stopped(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Run all coroutines until SIGTERM or SIGINT, then cancel them and return.

    A coroutine that ends by itself ends the process too: a component that silently stopped is worse than a restart.
    The failure of one comes out as it is; the service manager starts the process again.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended = [task for task in tasks if task.done()]
        for task in [*tasks, stopping]:
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
    for task in ended:
        task.result()
        raise RuntimeError(f"{task.get_coro()} ended although nobody stopped it")
