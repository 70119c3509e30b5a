"""PATCH: a change to whatever the object is when the change is made."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from controlplane.api.codec import Document
from controlplane.api.status import BadRequest, FieldError, StatusError
from controlplane.apiserver.answers import object_answer
from controlplane.apiserver.bodies import (
    FieldValidation,
    cannot_be_handled,
    check_kind,
    parse_body,
    to_object,
    unsupported_media_type,
)
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import JSON, YAML, media_type
from controlplane.apiserver.options import WriteOptions, invalid_options, write_options
from controlplane.apiserver.patch import APPLY, MEDIA_TYPES, STRATEGIC, apply_patch, server_side_apply
from controlplane.apiserver.patch.misfit import misfit
from controlplane.apiserver.writing import unchanged, update_object
from controlplane.kit.timestamps import format_time

_WITHOUT_STRATEGIC = tuple(one for one in MEDIA_TYPES if one != STRATEGIC)


async def patch(call: Call) -> Response:
    """Answer with the patched object; applying to a missing one creates it (201)."""
    request = call.request
    options = write_options(request.query, "PatchOptions")
    call.accepts()
    type_ = media_type(request.headers.get("Content-Type", ""))
    known = MEDIA_TYPES if call.storage.shape.strategic else _WITHOUT_STRATEGIC
    if type_ not in known:
        raise unsupported_media_type(known)
    body = await request.read()
    if type_ == APPLY:
        return await _apply(call, body, options)
    warnings: list[str] = []

    def make(item: CachedObject | None) -> Document:
        original = call.storage.document_or_empty(item)
        patched = apply_patch(type_, original, body, call.storage.shape.merging)
        if type_ != STRATEGIC:  # which is merged into a typed object, whatever it says of kinds
            check_kind(patched, call.storage.expected, body)
        warnings[:] = _check_fields(call, patched, unchanged(patched, original), options)
        return patched

    try:
        item, _ = await update_object(call, make, options)
    except BadRequest as error:
        raise _refusal(error, type_, body) from error
    call.warnings += warnings
    return object_answer(call, item)


def _refusal(error: BadRequest, type_: str, body: bytes) -> StatusError:
    """Return the failure as this type of patch tells it."""
    if type_ != STRATEGIC:
        return error
    return misfit(msgspec.json.decode(body), str(error)) or error


async def _apply(call: Call, body: bytes, options: WriteOptions) -> Response:
    """Server-side apply: the body says everything that its manager wants."""
    if not options.field_manager:
        why = "Required value: is required for apply patch"
        raise invalid_options("PatchOptions", [FieldError("FieldValueRequired", "fieldManager", why)])
    # Every JSON text is YAML too, and the JSON reader is a hundred times faster.
    form = JSON if body.lstrip()[:1] == b"{" else YAML
    parsed = parse_body(body, form, call.storage.expected, options.field_validation)
    to_object(parsed.document, call.storage.expected)  # what is merged below has the right types
    call.warnings += parsed.warnings
    now = format_time(call.backend.clock.now())

    def make(item: CachedObject | None) -> Document:
        return server_side_apply(
            call.storage.document_or_empty(item),
            parsed.document,
            call.storage.shape.merging,
            manager=options.field_manager,
            force=options.force,
            time=now,
            subresource=call.info.subresource,
        )

    may_create = not call.info.subresource
    item, created = await update_object(call, make, replace(options, tracked=True), create_missing=may_create)
    return object_answer(call, item, 201 if created else 200)


def _check_fields(call: Call, document: Document, settled: frozenset[str], options: WriteOptions) -> list[str]:
    """Drop unknown fields; return the warnings about them. Raises BadRequest when strict."""
    expected = call.storage.expected
    mistakes = expected.shape.prune(document, settled)
    if options.field_validation is FieldValidation.IGNORE:
        return []
    if mistakes and options.field_validation is FieldValidation.STRICT:
        raise cannot_be_handled(expected, f"strict decoding error: {', '.join(mistakes)}")
    return mistakes
