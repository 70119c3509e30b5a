"""GET of one object."""

from __future__ import annotations

from controlplane.apiserver.answers import object_answer
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.options import list_options
from controlplane.apiserver.selection import wait_for


async def get(call: Call) -> Response:
    """Answer with the newest state; with a resourceVersion, with any state not older than it."""
    storage, info = call.storage, call.info
    version = list_options(call.request.query).resource_version
    if not version:
        found = await storage.read(info.namespace, info.name)
        await storage.ready((found,))
        return object_answer(call, found)
    await wait_for(storage, int(version), call.backend.clock)
    item = storage.cache.get(storage.key(info.namespace, info.name))
    if item is None:
        raise storage.missing(info.namespace, info.name)
    await storage.ready((item,))
    return object_answer(call, item)
