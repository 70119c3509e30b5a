"""Waiting for something or for time to pass, whichever comes first, on the given clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from controlplane.kit.clock import Clock

T = TypeVar("T")


async def happens_within(event: asyncio.Event, seconds: float, clock: Clock) -> bool:
    """Return as soon as `event` is set, or after `seconds`; say whether it is set."""
    if event.is_set():
        return True
    tasks = {asyncio.create_task(event.wait()), asyncio.create_task(clock.sleep(seconds))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return event.is_set()


async def finish_within(work: Coroutine[Any, Any, T], seconds: float, clock: Clock) -> T:
    """Return what `work` returns, or cancel it after `seconds`. Raises TimeoutError."""
    task, passed = asyncio.create_task(work), asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait((task, passed), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError(f"not finished within {seconds:g} s")
        return await task
    finally:
        for each in (task, passed):
            each.cancel()
        await asyncio.gather(task, passed, return_exceptions=True)
