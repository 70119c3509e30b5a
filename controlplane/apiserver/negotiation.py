"""Which form of an answer the caller accepts: JSON, YAML, protobuf; objects themselves, a Table, their metadata only.

application/json;as=Table;v=v1;g=meta.k8s.io,application/json    kubectl get: a Table if you can
application/vnd.kubernetes.protobuf,application/json             client-go: JSON, which is there already
application/vnd.kubernetes.protobuf                              protobuf, made for this answer
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from controlplane.api.status import NotAcceptable

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
SERVED = (JSON, YAML, PROTOBUF)
_CHEAP = (JSON, YAML)

TABLE = "Table"
PARTIAL = "PartialObjectMetadata"
PARTIAL_LIST = "PartialObjectMetadataList"


@dataclass(frozen=True, slots=True)
class MediaType:
    """One alternative of an Accept header."""

    type: str
    parameters: Mapping[str, str]
    quality: float = 1.0

    def includes(self, served: str) -> bool:
        return self.type in (served, "*/*", "application/*")


@dataclass(frozen=True, slots=True)
class Representation:
    """What to answer with; `form` is empty for the objects themselves."""

    media_type: str = JSON
    form: str = ""

    @property
    def plain(self) -> bool:
        """Whether the cached bytes can be sent as they are."""
        return self.media_type == JSON and not self.form


@lru_cache(maxsize=512)
def parse_accept(header: str) -> Sequence[MediaType]:
    """Return the alternatives of an Accept header, the caller's favourite first."""
    found = list(_media_types(header))
    return sorted(found, key=lambda media: -media.quality)  # stable: equals stay in the caller's order


def _media_types(header: str) -> Iterator[MediaType]:
    for item in header.split(","):
        type_, *parameters = (part.strip() for part in item.split(";"))
        if not type_:
            continue
        pairs = {key.strip(): value.strip() for key, _, value in (p.partition("=") for p in parameters)}
        yield MediaType(type_.lower(), pairs, _quality(pairs.pop("q", "")))


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 1.0


@lru_cache(maxsize=512)
def negotiate(header: str, forms: tuple[str, ...] = ()) -> Representation:
    """Return the first acceptable representation, `forms` being those this answer can take. Raises NotAcceptable.

    Protobuf comes last whatever its place in the header: whoever takes both gets the bytes that are there already.
    """
    if not header:
        return Representation()
    for candidates in (_CHEAP, (PROTOBUF,)):
        for media in parse_accept(header):
            for served in candidates:
                if media.includes(served) and (form := _form(media.parameters, forms)) is not None:
                    return Representation(served, form)
    raise not_acceptable(SERVED)


def _form(parameters: Mapping[str, str], forms: tuple[str, ...]) -> str | None:
    """Return the form asked for, "" for the objects themselves, None if it cannot be had."""
    wanted = parameters.get("as", "")
    if not wanted:
        return ""
    known = parameters.get("g") == "meta.k8s.io" and parameters.get("v") in ("v1", "v1beta1")
    return wanted if known and wanted in forms else None


def not_acceptable(served: Sequence[str]) -> NotAcceptable:
    return NotAcceptable(f"only the following media types are accepted: {', '.join(served)}")


def media_type(content_type: str) -> str:
    """Return a Content-Type without its parameters."""
    return content_type.partition(";")[0].strip().lower()
