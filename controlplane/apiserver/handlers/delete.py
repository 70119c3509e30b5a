"""DELETE of one object, and of all objects of a collection that match."""

from __future__ import annotations

import asyncio

from controlplane.api.meta_v1 import DeleteOptions
from controlplane.api.status import NotFound, StatusError
from controlplane.apiserver.answers import deleted, document_answer, object_answer
from controlplane.apiserver.bodies import Expected, FieldValidation, parse_body, to_object
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.deletion import Deleted, delete_object, delete_unreadable
from controlplane.apiserver.handlers.list import list_answer
from controlplane.apiserver.messages import Answer, Response
from controlplane.apiserver.options import delete_options, list_options
from controlplane.apiserver.selection import Page, scope_of, select
from controlplane.apiserver.shape import shape_of

# Kinds whose DELETE answers with the deleted object rather than a Status, as upstream's do.
_RETURN_OBJECT = frozenset({
    "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts",
    "services",
})  # fmt: skip

_AT_ONCE = 16  # deletions of a collection under way at a time


async def delete(call: Call) -> Response:
    """Answer with the object while it ends, or with what says that it is gone."""
    options = await _options(call)
    call.accepts()
    if options.ignore_store_read_error_with_cluster_breaking_potential:
        await delete_unreadable(call, options)
        return document_answer(deleted(call.storage.resource, call.info.name, ""), call.accepts())
    outcome = await delete_object(call, call.info.namespace, call.info.name, options)
    await call.storage.ready((outcome.item,))
    foreground = options.propagation_policy == "Foreground"
    status = 202 if foreground and not outcome.gone else 200
    return _answer(call, outcome, status)


def _answer(call: Call, outcome: Deleted, status: int) -> Response:
    resource = call.storage.resource
    if not outcome.gone or resource.group_resource in _RETURN_OBJECT:
        return object_answer(call, outcome.item, status)
    uid = outcome.item.document()["metadata"].get("uid", "")
    return document_answer(deleted(resource, call.info.name, uid), call.accepts(), status)


async def delete_collection(call: Call) -> Answer:
    """Delete what matches and answer with the list of it."""
    options = await _options(call)
    selected = list_options(call.request.query)
    page = await select(scope_of(call.storage, call.info.namespace, selected), selected, call.backend.clock)
    await call.storage.ready(page.items)
    limit = asyncio.Semaphore(_AT_ONCE)
    refusals: list[StatusError] = []

    async def one(item: CachedObject) -> None:
        async with limit:
            if refusals:
                return  # the answer is decided: nothing more is deleted
            try:
                await delete_object(call, item.namespace, item.key.rpartition("/")[2], options)
            except NotFound:
                return  # somebody else was quicker
            except StatusError as error:
                refusals.append(error)

    async with asyncio.TaskGroup() as group:
        for item in page.items:
            group.create_task(one(item))
    if refusals:
        raise refusals[0]
    return list_answer(call.storage, Page(page.items, page.revision))


async def _options(call: Call) -> DeleteOptions:
    body = await call.request.read()
    content_type = call.request.headers.get("Content-Type", "")
    return delete_options(call.request.query, body, lambda data: _decode(data, content_type))


def _decode(body: bytes, content_type: str) -> DeleteOptions:
    # Older clients say the group of what they delete; upstream accepts DeleteOptions in any group version.
    expected = Expected("v1", "DeleteOptions", shape_of(DeleteOptions), any_version=True)
    parsed = parse_body(body, content_type, expected, FieldValidation.IGNORE)
    options: DeleteOptions = to_object(parsed.document, expected)
    return options
