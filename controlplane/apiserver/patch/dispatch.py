"""Which patch a media type means."""

from __future__ import annotations

from typing import Any

from controlplane.api.codec import Document
from controlplane.api.status import BadRequest, UnsupportedMediaType
from controlplane.apiserver.nesting import decode_json
from controlplane.apiserver.patch import json_patch, merge_patch, strategic
from controlplane.apiserver.patch.schema import Schema

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
MEDIA_TYPES = (JSON, MERGE, STRATEGIC, APPLY)


def apply_patch(content_type: str, original: Document, body: bytes, schema: Schema) -> Document:
    """Return what a JSON, merge or strategic merge patch makes of an object, which stays as it was.

    Raises BadRequest for a patch that cannot be read, Invalid for one that does not fit, UnsupportedMediaType.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        return json_patch.apply(original, _parse(body))
    if media_type == MERGE:
        return merge_patch.merge(original, _parse_object(body))
    if media_type == STRATEGIC:
        return strategic.merge(original, _parse_object(body), schema)
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(MEDIA_TYPES)
    )


def _parse(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError as error:
        raise BadRequest(f"error decoding patch: {error}") from error


def _parse_object(body: bytes) -> Document:
    patch = _parse(body)
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: the patch must be an object")
    return patch
