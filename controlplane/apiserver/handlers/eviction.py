"""POST pods/NAME/eviction: a deletion that disruption budgets may refuse. There are none yet, so it deletes."""

from __future__ import annotations

from msgspec.structs import replace

from controlplane.api.meta_v1 import DeleteOptions, Status
from controlplane.api.policy_v1 import Eviction
from controlplane.apiserver.answers import document_answer
from controlplane.apiserver.bodies import Expected, parse_body, to_object
from controlplane.apiserver.calls import Call
from controlplane.apiserver.deletion import delete_object
from controlplane.apiserver.messages import Response
from controlplane.apiserver.metadata import metadata_of, settle_name
from controlplane.apiserver.options import write_options
from controlplane.apiserver.shape import shape_of

_EVICTION = Expected("policy/v1", "Eviction", shape_of(Eviction))


async def evict(call: Call) -> Response:
    """Answer 201 when the pod is on its way out."""
    request, info = call.request, call.info
    options = write_options(request.query, "CreateOptions")
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), _EVICTION, options.field_validation)
    call.warnings += parsed.warnings
    settle_name(metadata_of(parsed.document), info.name)
    eviction: Eviction = to_object(parsed.document, _EVICTION)
    wanted = eviction.delete_options or DeleteOptions()
    if options.dry_run:
        wanted = replace(wanted, dry_run=["All"])
    await delete_object(call, info.namespace, info.name, wanted)
    return document_answer(Status(api_version="v1", kind="Status", status="Success", code=201), call.accepts(), 201)
