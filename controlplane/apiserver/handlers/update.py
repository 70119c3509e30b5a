"""PUT of a whole object, or of one of its subresources."""

from __future__ import annotations

from controlplane.api.codec import Document
from controlplane.apiserver.answers import object_answer
from controlplane.apiserver.bodies import FieldValidation, parse_body
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.options import write_options
from controlplane.apiserver.writing import update_object


async def update(call: Call) -> Response:
    """Answer with the object as it was stored: 200, or 201 where a PUT may create and did."""
    request, storage = call.request, call.storage
    options = write_options(request.query, "UpdateOptions")
    call.accepts()
    body, type_ = await request.read(), request.headers.get("Content-Type", "")
    parsed = parse_body(body, type_, storage.expected, options.field_validation)
    call.warnings += parsed.warnings
    unused = [parsed.document]

    def make(_: CachedObject | None) -> Document:
        """Return the object as it was sent: each attempt changes its own copy, and there is seldom a second one."""
        return unused.pop() if unused else parse_body(body, type_, storage.expected, FieldValidation.IGNORE).document

    may_create = storage.strategy.allow_create_on_update and not call.info.subresource
    item, created = await update_object(call, make, options, create_missing=may_create)
    return object_answer(call, item, 201 if created else 200)
