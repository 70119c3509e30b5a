"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes

from controlplane.kit.clock import Clock

_INTERVAL = 60.0  # seconds


async def give_back(clock: Clock) -> None:
    """Have the C library give back what was freed, now and then, until cancelled.

    By itself it gives back what lies at the end of its heap only: a server whose 20,000 pods had been deleted kept
    126 MiB that it did not use. To give those back took 11 ms; where there is nothing it takes a tenth of one.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    while trim is not None:
        await clock.sleep(_INTERVAL)
        trim(0)
