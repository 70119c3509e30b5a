"""Waiting for something or for time to pass, whichever comes first, on the given clock."""

from __future__ import annotations

import asyncio

from controlplane.kit.clock import Clock


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
