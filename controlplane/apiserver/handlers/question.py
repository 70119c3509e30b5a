"""POST of a question: a review, or a request for a token. The answer is computed, nothing is stored."""

from __future__ import annotations

from controlplane.admission.interface import Operation
from controlplane.api.codec import Document
from controlplane.apiserver.answers import document_answer
from controlplane.apiserver.bodies import Expected, parse_body
from controlplane.apiserver.calls import Call
from controlplane.apiserver.handlers.admitting import admit, attributes_of
from controlplane.apiserver.messages import Response
from controlplane.apiserver.options import write_options
from controlplane.apiserver.shape import shape_of
from controlplane.apiserver.virtual import VIRTUAL


async def ask(call: Call) -> Response:
    """Answer 201 with the question and its status."""
    return await _ask(call, call.info.resource)


async def request_token(call: Call) -> Response:
    """Answer 201 with a token for a service account, one that was made a moment ago too."""
    await call.backend.cache.fresh()
    return await _ask(call, f"{call.info.resource}/{call.info.subresource}")


async def _ask(call: Call, plural: str) -> Response:
    info, request = call.info, call.request
    key = (info.group, info.version, plural)
    virtual = VIRTUAL[key]
    group = virtual.kind_group or info.group
    expected = Expected(f"{group}/{virtual.kind_version or info.version}", virtual.kind, shape_of(virtual.type))
    options = write_options(request.query, "CreateOptions")
    shown = call.accepts()
    body = await request.read()
    parsed = parse_body(body, request.headers.get("Content-Type", ""), expected, options.field_validation)
    call.warnings += parsed.warnings
    if info.subresource:
        await _admit(call, parsed.document, options.dry_run)
    answer = await call.backend.virtual[key](parsed.document, call.user, info.namespace, info.name)
    if virtual.kind == "TokenRequest":
        _warn_of_shortening(call, parsed.document, answer)
    return document_answer(answer, shown, 201)


def _warn_of_shortening(call: Call, asked: Document, answer: Document) -> None:
    """Warn of a token that is good for a shorter time than was asked for: --service-account-max-token-expiration."""
    wanted, given = (asked.get("spec") or {}).get("expirationSeconds"), answer["spec"]["expirationSeconds"]
    if isinstance(wanted, int) and given < wanted:
        call.warnings.append(f"requested expiration of {wanted} seconds shortened to {given} seconds")


async def _admit(call: Call, document: dict[str, object], dry_run: bool) -> None:
    """Let policy look at a token request: a node may ask for its own pods' tokens only."""
    await admit(call, attributes_of(call, Operation.CREATE, document, dry_run=dry_run))
