"""Following the objects of this process's own watch cache, without a copy of them and without a connection."""

from __future__ import annotations

import logging
from collections.abc import Callable

from controlplane.apiserver.event_log import Interest, TooOld
from controlplane.apiserver.watch_cache import ResourceCache

_log = logging.getLogger(__name__)

_BATCH = 256


async def follow(cache: ResourceCache, changed: Callable[[str], None], interest: Interest | None = None) -> None:
    """Call `changed` with the key of each object that changes; "" at first, and when it may have been any.

    Until the server stops. What `changed` raises is logged: a strange object must not end the server.
    """
    with cache.watcher(cache.log.end, interest) as watcher:
        _call(changed, "")
        while not cache.closed:
            try:
                changes = cache.log.read(watcher.position, _BATCH)
            except TooOld:
                watcher.position = cache.log.end
                _call(changed, "")
                continue
            if not changes:
                await watcher.wait()
                continue
            watcher.position += len(changes)
            for key in {change.object.key for change in changes if interest is None or interest(change)}:
                _call(changed, key)


def _call(changed: Callable[[str], None], key: str) -> None:
    try:
        changed(key)
    except Exception:
        _log.exception("taking in a change of %s failed", key or "some object")
