"""Looking for an object that may be about to appear."""

from __future__ import annotations

from typing import TypeVar

from controlplane.api.reader import ObjectReader
from controlplane.kit.clock import Clock

T = TypeVar("T")

_PATIENCE = 0.05  # seconds


async def found_soon(reader: ObjectReader, clock: Clock, type_: type[T], name: str) -> T | None:
    """Return an object without a namespace, looking twice if need be.

    A client that creates a namespace, or a class, and what belongs to it in one breath may be ahead of this server's
    view of the store.
    """
    found = reader.get(type_, "", name)
    if found is None:
        await clock.sleep(_PATIENCE)
        found = reader.get(type_, "", name)
    return found
