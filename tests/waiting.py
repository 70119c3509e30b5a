"""Waiting in tests for what is going to happen by itself: it is asked for again and again until it is there.

The limit only ends a test that has failed. Nothing is measured by it.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

_PAUSE = 0.01  # seconds


async def until(holds: Callable[[], Any | Awaitable[Any]], seconds: float = 60.0) -> Any:
    """Return what `holds` returns, or what it is awaited for, once that is true."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(_PAUSE)


def until_blocking(holds: Callable[[], Any], seconds: float = 45.0) -> Any:
    """Return what `holds` returns once that is true, in a test without an event loop."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never held"
        time.sleep(5 * _PAUSE)
    return found
