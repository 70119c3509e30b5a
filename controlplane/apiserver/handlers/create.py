"""POST of a new object to its collection."""

from __future__ import annotations

from controlplane.apiserver.answers import object_answer
from controlplane.apiserver.bodies import parse_body
from controlplane.apiserver.calls import Call
from controlplane.apiserver.messages import Response
from controlplane.apiserver.options import write_options
from controlplane.apiserver.writing import create_object


async def create(call: Call) -> Response:
    """Answer 201 with the object as it was stored."""
    request = call.request
    options = write_options(request.query, "CreateOptions")
    call.accepts()  # refuse what cannot be answered before anything is written
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), call.storage.expected, options.field_validation)
    call.warnings += parsed.warnings
    return object_answer(call, await create_object(call, parsed.document, options, typed=parsed.typed), 201)
