"""A document of OpenAPI as it is kept, and the answers that show it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.apiserver.compression import accepts_gzip
from controlplane.apiserver.messages import JSON, Request, Response
from controlplane.apiserver.negotiation import not_acceptable, parse_accept
from controlplane.apiserver.openapi.protobuf import MEDIA_TYPES as PROTOBUF_V2


@dataclass(frozen=True, slots=True)
class Packed:
    """A document as it is kept."""

    body: bytes  # gzip
    hash: str  # of what is in it, as upstream's: SHA-512 in capitals

    @classmethod
    def of(cls, document: bytes) -> Packed:
        return cls(gzip.compress(document, 6, mtime=0), hashlib.sha512(document).hexdigest().upper())


def _form(accept: str, served: Sequence[str]) -> str:
    """Return the first media type that is accepted and served. Raises NotAcceptable."""
    for media in parse_accept(accept or JSON):
        for one in served:
            if media.includes(one):
                return one
    raise not_acceptable(served)


def answer_v2(request: Request, as_json: Packed, as_protobuf: Packed) -> Response:
    """Answer with the form of the v2 document that is accepted. Raises NotAcceptable."""
    shown = _form(request.headers.get("Accept", ""), (JSON, *PROTOBUF_V2))
    return packed(as_json, request) if shown == JSON else packed(as_protobuf, request, PROTOBUF_V2[0])


def answer_v3(request: Request, document: Packed) -> Response:
    """Answer with a v3 document. Raises NotAcceptable."""
    _form(request.headers.get("Accept", ""), (JSON,))
    return packed(document, request)


def packed(document: Packed, request: Request, media_type: str = JSON) -> Response:
    """Answer with a document, in whole or by saying that it has not changed."""
    headers = {"ETag": f'"{document.hash}"', "Vary": "Accept, Accept-Encoding"}
    if request.query.get("hash") == document.hash:  # the address says what is behind it: cache it for good
        headers["Cache-Control"] = "public, immutable"
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(304, b"", media_type, headers)
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        return Response(200, document.body, media_type, headers | {"Content-Encoding": "gzip"})
    return Response(200, gzip.decompress(document.body), media_type, headers)
