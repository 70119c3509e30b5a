"""LIST: the cached bytes of many objects, sent piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from controlplane.api.codec import Document, encode
from controlplane.apiserver.answers import document_answer, partial_list, shown_as, table_of
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Answer, Response, Stream
from controlplane.apiserver.negotiation import PARTIAL_LIST, PROTOBUF, TABLE, YAML
from controlplane.apiserver.options import list_options
from controlplane.apiserver.selection import Page, scope_of, select
from controlplane.apiserver.storage import ResourceStorage

# Bytes joined and sent at a time: large enough to be quick, small enough that a slow reader costs no memory and
# other requests get their turn.
_PIECE = 256 * 1024
_ROWS = 200  # rows of a Table worked out between turns of other requests


async def list_(call: Call) -> Answer:
    """Answer with a page of a collection."""
    options = list_options(call.request.query)
    shown = shown_as(call, PARTIAL_LIST)
    page = await select(scope_of(call.storage, call.info.namespace, options), options, call.backend.clock)
    await call.storage.ready(page.items)
    if shown.plain:
        return list_answer(call.storage, page)
    if shown.form == TABLE and shown.media_type != YAML:
        return _table(call, page)
    if shown.form == PARTIAL_LIST:
        return document_answer(
            partial_list([call.storage.document(item) for item in page.items], _metadata(page)), shown
        )
    if shown.form == TABLE:
        return document_answer({**table_of(call, page.items), "metadata": _metadata(page)}, shown)
    if shown.media_type == PROTOBUF:
        return await _protobuf(call.storage, page)
    items = [_without_kind(call.storage.document(item)) for item in page.items]
    return document_answer({**_kind(call.storage), "metadata": _metadata(page), "items": items}, shown)


def list_answer(storage: ResourceStorage, page: Page) -> Answer:
    """Answer with a list in JSON, made of the objects' bytes as they are."""
    tails = [storage.tail(item) for item in page.items] if storage.converts else [item.tail for item in page.items]
    head = encode({**_kind(storage), "metadata": _metadata(page)})[:-1] + b',"items":['
    if not tails:
        return Response(200, head + b"]}")
    # The first item brings "{", every other one ",{".
    length = len(head) + sum(map(len, tails)) + 2 * len(tails) - 1 + 2
    if length <= _PIECE:
        return Response(200, b"%s{%s]}" % (head, b",{".join(tails)))
    return Stream(200, _pieces(head, tails), length=length, large=True)


async def _pieces(head: bytes, tails: Sequence[bytes]) -> AsyncIterator[bytes]:
    piece, size = [head + b"{" + tails[0]], 0
    for tail in tails[1:]:
        piece.append(tail)
        size += len(tail)
        if size >= _PIECE:
            yield b",{".join(piece)
            piece, size = [b""], 0  # so that the next join begins with the separator
    yield b",{".join(piece) + b"]}"


async def _protobuf(storage: ResourceStorage, page: Page) -> Response:
    """Answer in protobuf, which says its length first: worked out a few objects at a time, sent as a whole."""
    from controlplane.api.protobuf import ListWriter

    writer = ListWriter(storage.resource.api_version, storage.resource.kind, _metadata(page))
    for start in range(0, len(page.items), _ROWS):
        writer.add(storage.document(item) for item in page.items[start : start + _ROWS])
        await asyncio.sleep(0)
    return Response(200, writer.done(), PROTOBUF)


def _kind(storage: ResourceStorage) -> Document:
    return {"kind": storage.resource.list_kind, "apiVersion": storage.resource.api_version}


def _metadata(page: Page) -> Document:
    metadata: Document = {"resourceVersion": str(page.revision)}
    if page.continue_:
        metadata["continue"] = page.continue_
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    return metadata


def _without_kind(document: Document) -> Document:
    # Upstream's lists name the kind once, at the top.
    return {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}


def _table(call: Call, page: Page) -> Answer:
    if len(page.items) <= _ROWS:
        return document_answer({**table_of(call, page.items), "metadata": _metadata(page)})
    table_of(call, ())  # whatever is wrong with the request shows before the answer has begun
    return Stream(200, _table_pieces(call, page), large=True)


async def _table_pieces(call: Call, page: Page) -> AsyncIterator[bytes]:
    """Work a Table out a few rows at a time."""
    for start in range(0, len(page.items), _ROWS):
        yield _table_piece(call, page, page.items[start : start + _ROWS], first=start == 0)
        await asyncio.sleep(0)
    yield b"]}"


def _table_piece(call: Call, page: Page, items: Sequence[CachedObject], *, first: bool) -> bytes:
    table = table_of(call, items, headers=first)
    rows = encode(table.pop("rows"))[1:-1]
    if not first:
        return b"," + rows
    return encode({**table, "metadata": _metadata(page)})[:-1] + b',"rows":[' + rows
