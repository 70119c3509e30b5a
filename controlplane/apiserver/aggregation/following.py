"""Following the objects of this process's own watch cache, without a copy of them and without a connection."""

from __future__ import annotations

from collections.abc import Callable

from controlplane.apiserver.event_log import Interest, TooOld
from controlplane.apiserver.watch_cache import ResourceCache

_BATCH = 256


async def follow(cache: ResourceCache, changed: Callable[[str], None], interest: Interest | None = None) -> None:
    """Call `changed` with the key of each object that changes; "" when it may have been any. Until the server stops."""
    with cache.watcher(cache.log.end, interest) as watcher:
        while not cache.closed:
            try:
                changes = cache.log.read(watcher.position, _BATCH)
            except TooOld:
                watcher.position = cache.log.end
                changed("")
                continue
            if not changes:
                await watcher.wait()
                continue
            watcher.position += len(changes)
            for key in {change.object.key for change in changes if interest is None or interest(change)}:
                changed(key)
