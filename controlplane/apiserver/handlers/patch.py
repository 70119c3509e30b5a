"""PATCH: a change to whatever the object is when the change is made."""

from __future__ import annotations

from controlplane.api import fields
from controlplane.api.codec import Document
from controlplane.apiserver.answers import object_answer
from controlplane.apiserver.bodies import FieldValidation, cannot_be_handled, unsupported_media_type
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.negotiation import media_type
from controlplane.apiserver.options import WriteOptions, write_options
from controlplane.apiserver.patch import apply_patch
from controlplane.apiserver.writing import update_object

APPLY = "application/apply-patch+yaml"
PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    APPLY,
)


async def patch(call: Call) -> Response:
    """Answer with the patched object; applying to a missing one creates it (201)."""
    request = call.request
    options = write_options(request.query, "PatchOptions")
    call.accepts()
    type_ = media_type(request.headers.get("Content-Type", ""))
    if type_ not in PATCH_TYPES:
        raise unsupported_media_type(PATCH_TYPES)
    body = await request.read()
    warnings: list[str] = []

    def make(current: Document) -> Document:
        patched = apply_patch(type_, current, body, call.storage.resource.type)
        warnings[:] = _check_fields(call, patched, options)
        return patched

    may_create = type_ == APPLY and not call.info.subresource
    item, created = await update_object(call, make, options, create_missing=may_create)
    call.warnings += warnings
    return object_answer(call, item, 201 if created else 200)


def _check_fields(call: Call, document: Document, options: WriteOptions) -> list[str]:
    """Drop unknown fields; return the warnings about them. Raises BadRequest when strict."""
    expected = call.storage.expected
    mistakes = fields.prune(document, expected.type)
    if options.field_validation is FieldValidation.IGNORE:
        return []
    if mistakes and options.field_validation is FieldValidation.STRICT:
        raise cannot_be_handled(expected, f"strict decoding error: {', '.join(mistakes)}")
    return mistakes
