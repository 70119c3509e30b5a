"""The scale subresource: a workload's replica count, seen and written as an autoscaling/v1 Scale."""

from __future__ import annotations

from collections.abc import Callable

from controlplane.api.autoscaling_v1 import Scale
from controlplane.api.codec import Document
from controlplane.apiserver.answers import document_answer
from controlplane.apiserver.bodies import Expected, parse_body, to_object, unsupported_media_type
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import media_type
from controlplane.apiserver.options import write_options
from controlplane.apiserver.patch import APPLY, MEDIA_TYPES, apply_patch
from controlplane.apiserver.shape import shape_of
from controlplane.apiserver.strategies import Strategy
from controlplane.apiserver.writing import update_object

_PATCHES = tuple(one for one in MEDIA_TYPES if one != APPLY)  # a count has one manager at a time
_SCALE = Expected("autoscaling/v1", "Scale", shape_of(Scale))


async def get_scale(call: Call) -> Response:
    storage = call.storage
    item = await storage.read(call.info.namespace, call.info.name)
    await storage.ready((item,))
    return document_answer(storage.strategy.scale_of(storage.document(item)), call.accepts())


async def update_scale(call: Call) -> Response:
    request = call.request
    options = write_options(request.query, "UpdateOptions")
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), _SCALE, options.field_validation)
    to_object(parsed.document, _SCALE)
    call.warnings += parsed.warnings
    return await _write(call, lambda _: parsed.document, "UpdateOptions")


async def patch_scale(call: Call) -> Response:
    type_ = media_type(call.request.headers.get("Content-Type", ""))
    if type_ not in _PATCHES:
        raise unsupported_media_type(_PATCHES)
    body = await call.request.read()

    def patched(current: Document) -> Document:
        scale = apply_patch(type_, current, body, _SCALE.shape.merging)
        to_object(scale, _SCALE)
        return scale

    return await _write(call, patched, "PatchOptions")


async def _write(call: Call, wanted: Callable[[Document], Document], options_kind: str) -> Response:
    storage, strategy = call.storage, call.storage.strategy

    def make(item: CachedObject | None) -> Document:
        workload = storage.document_or_empty(item)
        strategy.apply_scale(workload, wanted(strategy.scale_of(storage.document_or_empty(item))))
        return workload

    options = write_options(call.request.query, options_kind)
    item, _ = await update_object(call, make, options, view=_ScaleView(strategy))
    return document_answer(strategy.scale_of(storage.document(item)), call.accepts())


class _ScaleView:
    """A workload as its Scale."""

    def __init__(self, strategy: Strategy):
        self._strategy = strategy

    def shown(self, document: Document) -> Document:
        return self._strategy.scale_of(document)

    def apply(self, document: Document, shown: Document) -> None:
        self._strategy.apply_scale(document, shown)
