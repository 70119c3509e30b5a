"""Binding a pod to a node: POST pods/NAME/binding, or POST bindings with the pod's name inside."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from controlplane.api.codec import Document
from controlplane.api.core_v1 import Binding
from controlplane.api.meta_v1 import Status
from controlplane.apiserver.answers import document_answer
from controlplane.apiserver.bodies import Expected, parse_body, to_object
from controlplane.apiserver.cached_object import CachedObject
from controlplane.apiserver.calls import Call
from controlplane.apiserver.handlers.admitting import admit, creation
from controlplane.apiserver.messages import Response
from controlplane.apiserver.metadata import metadata_of, settle_name
from controlplane.apiserver.options import write_options
from controlplane.apiserver.shape import shape_of
from controlplane.apiserver.strategies.binding import apply_binding, check_binding
from controlplane.apiserver.writing import update_object
from controlplane.kit.timestamps import format_time

_BINDING = Expected("v1", "Binding", shape_of(Binding))


async def bind(call: Call) -> Response:
    """Answer 201 when the pod has its node."""
    return await _bind(call, await _binding(call))


async def create_binding(call: Call) -> Response:
    """Do the same for the older path, where only the body names the pod."""
    binding = await _binding(call)
    check_binding(binding)
    name = metadata_of(binding).get("name", "")
    info = msgspec.structs.replace(call.info, resource="pods", name=name, subresource="binding")
    return await _bind(replace(call, info=info), binding)


async def _binding(call: Call) -> Document:
    request = call.request
    options = write_options(request.query, "CreateOptions")
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), _BINDING, options.field_validation)
    to_object(parsed.document, _BINDING)
    call.warnings += parsed.warnings
    return parsed.document


async def _bind(call: Call, binding: Document) -> Response:
    settle_name(metadata_of(binding), call.info.name)
    options = write_options(call.request.query, "CreateOptions")
    await admit(call, creation(call, binding, options, "binding"))
    now = format_time(call.backend.clock.now())

    def make(item: CachedObject | None) -> Document:
        pod = call.storage.document_or_empty(item)
        apply_binding(pod, msgspec.json.decode(msgspec.json.encode(binding)), now)
        return pod

    await update_object(call, make, options, admitted=True)
    status = Status(api_version="v1", kind="Status", status="Success", code=201)
    return document_answer(status, call.accepts(), 201)
