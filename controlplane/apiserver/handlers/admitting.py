"""Policy's look at what is no write of an object: a question, a binding, an eviction, a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.admission.interface import Attributes, Operation
from controlplane.api.codec import Document
from controlplane.apiserver.calls import Call
from controlplane.apiserver.options import WriteOptions


def attributes_of(
    call: Call, operation: Operation, document: Document | None, *, subresource: str = "", dry_run: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Attributes:  # fmt: skip
    """Return a request as policy sees it; `subresource`, if it is not the one of the path."""
    info = call.info
    return Attributes(
        operation=operation,
        resource=call.storage.resource,
        name=info.name,
        user=call.user,
        namespace=info.namespace,
        subresource=subresource or info.subresource,
        document=document,
        dry_run=dry_run,
        options=options or {},
        warnings=call.warnings,
        annotations=call.annotations,
    )


def creation(call: Call, document: Document, options: WriteOptions, subresource: str = "") -> Attributes:
    """Return the attributes of a POST that takes CreateOptions."""
    return attributes_of(
        call,
        Operation.CREATE,
        document,
        subresource=subresource,
        dry_run=bool(options.dry_run),
        options=options.document("CreateOptions"),
    )


async def admit(call: Call, attributes: Attributes) -> None:
    """Let policy change, then refuse. Raises StatusError."""
    await call.backend.admission.mutate(attributes)
    await call.backend.admission.validate(attributes)
