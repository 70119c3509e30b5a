"""Which path gets which document; each is built once, when somebody first asks, and kept as gzip."""

from __future__ import annotations

import asyncio
import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from controlplane.api.authentication_v1 import TokenRequest
from controlplane.api.autoscaling_v1 import Scale
from controlplane.api.codec import encode
from controlplane.api.meta_v1 import DeleteOptions, Status, WatchEvent
from controlplane.api.policy_v1 import Eviction
from controlplane.api.resources import RESOURCES, Resource
from controlplane.apiserver.messages import Request, Response
from controlplane.apiserver.openapi.answers import Packed, answer_v2, answer_v3
from controlplane.apiserver.openapi.dialect import V2, V3, Dialect, Node
from controlplane.apiserver.openapi.paths import Paths, questions
from controlplane.apiserver.openapi.protobuf import encode_parts, encode_v2
from controlplane.apiserver.openapi.schemas import Defined, Described, GroupVersionKind, Schemas, full_name, list_name

_V2, _V3 = "/openapi/v2", "/openapi/v3"

T = TypeVar("T")
Kinds = Mapping[str, Sequence[GroupVersionKind]]
Texts = Mapping[str, Mapping[str, Any]]
"""Upstream's sentences by definition."""
Definitions = Mapping[GroupVersionKind, Defined]
"""The kinds that are no Structs."""


class Custom(Protocol):
    """What else is served, and may change while the server runs."""

    @property
    def version(self) -> int:
        """A number that grows with every change."""

    def defined(self) -> Sequence[tuple[Resource, Defined]]:
        """Return each version of each custom resource."""


class OpenApi:
    """Answers requests for /openapi/v2 and /openapi/v3…"""

    def __init__(self, version: str, resources: Sequence[Resource] = RESOURCES, custom: Custom | None = None):
        self._version, self._resources, self._custom = version, resources, custom
        self._v3: Mapping[str, Packed] = {}
        self._v2: tuple[Packed, Packed] | None = None  # JSON, protobuf
        self._more_v3: tuple[int, Mapping[str, Packed]] = (0, {})
        self._more_v2: tuple[int, tuple[Packed, Packed] | None] = (0, None)
        self._described: dict[str, tuple[Sequence[tuple[Resource, Defined]], Packed]] = {}  # by place
        self._building = asyncio.Lock()

    async def answer(self, request: Request) -> Response | None:
        """Answer a GET of an OpenAPI path; None for any other path."""
        path = request.path.rstrip("/")
        if path == _V2:
            return answer_v2(request, *await self._everything())
        if path != _V3 and not path.startswith(_V3 + "/"):
            return None
        found = (await self._group_versions()).get(path.removeprefix(_V3).lstrip("/"))
        return answer_v3(request, found) if found else None

    async def _group_versions(self) -> Mapping[str, Packed]:
        async with self._building:
            if not self._v3:
                self._v3 = await asyncio.to_thread(_described, build_v3, self._version, self._resources)
            version = self._custom.version if self._custom else 0
            if self._custom is None or not version:
                return self._v3
            if self._more_v3[0] != version:
                more = await asyncio.to_thread(self._describe_custom, self._custom.defined())
                self._more_v3 = version, with_index({**self._v3, **more})
            return self._more_v3[1]

    def _describe_custom(self, everything: Sequence[tuple[Resource, Defined]]) -> Mapping[str, Packed]:
        """Return the documents of custom resources; a group version in which nothing has changed keeps its own."""
        places: dict[str, list[tuple[Resource, Defined]]] = defaultdict(list)
        for resource, defined in everything:
            places[_place(resource.group, resource.version)].append((resource, defined))
        described = {}
        for place, kinds in places.items():
            known = self._described.get(place)
            described[place] = known if known and known[0] == kinds else (kinds, describe_custom(self._version, kinds))
        self._described = described
        return {place: packed for place, (_, packed) in described.items()}

    async def _everything(self) -> tuple[Packed, Packed]:
        async with self._building:
            if self._v2 is None:
                self._v2 = await asyncio.to_thread(_described, build_v2, self._version, self._resources)
            version = self._custom.version if self._custom else 0
            if self._custom is None or not version:
                return self._v2
            if self._more_v2[0] != version or self._more_v2[1] is None:
                everything = self._custom.defined()
                self._more_v2 = version, await asyncio.to_thread(add_to_v2, self._v2, self._version, everything)
            return self._more_v2[1] or self._v2


def descriptions() -> Texts:
    """Return upstream's sentences by definition, if the package that has them is installed."""
    try:
        from controlplane.api.generate import definitions

        return definitions()
    except (ImportError, FileNotFoundError):
        return {}


def _described(build: Callable[[str, Sequence[Resource], Texts], T], version: str, resources: Sequence[Resource]) -> T:
    """Build with upstream's sentences; reading them takes long enough to be done in the same thread."""
    return build(version, resources, descriptions())


def build_v3(version: str, resources: Sequence[Resource], texts: Texts) -> dict[str, Packed]:
    """Return the index, under the empty name, and the document of each group version."""
    dialect, kinds = V3(), kinds_of(resources)
    found = {
        _place(group, group_version): Packed.of(
            encode(_document(dialect, version, kinds, texts, resources, group, group_version))
        )
        for group, group_version in _group_versions(resources)
    }
    return with_index(found)


def with_index(found: Mapping[str, Packed]) -> dict[str, Packed]:
    """Return documents with the one that says where they are, under the empty name."""
    documents = {place: one for place, one in sorted(found.items()) if place}
    paths = {place: {"serverRelativeURL": f"{_V3}/{place}?hash={one.hash}"} for place, one in documents.items()}
    return {"": Packed.of(encode({"paths": paths})), **documents}


def describe_custom(version: str, kinds: Sequence[tuple[Resource, Defined]]) -> Packed:
    """Return the v3 document of the custom resources of one group version."""
    return Packed.of(encode(_custom_document(V3(), version, kinds)))


def _custom_document(dialect: Dialect, version: str, kinds: Sequence[tuple[Resource, Defined]]) -> Node:
    resources = [resource for resource, _ in kinds]
    defined = {(one.group, one.version, one.kind): definition for one, definition in kinds}
    schemas = Schemas(dialect, kinds_of(resources, defined), {})
    paths = Paths(dialect, schemas, defined)
    found = dict(sorted(item for resource in resources for item in paths.of(resource)))
    return dialect.document(version, found, schemas.sorted())


def add_to_v2(
    built_in: tuple[Packed, Packed], version: str, kinds: Sequence[tuple[Resource, Defined]]
) -> tuple[Packed, Packed]:
    """Return the v2 documents with custom resources added.

    What is there is not made again: JSON is put together from its parts, and two protobuf messages of one type, one
    after the other, are one message with the fields of both.
    """
    document = _custom_document(V2(), version, kinds)
    parts = msgspec.json.decode(gzip.decompress(built_in[0].body), type=dict[str, msgspec.Raw])
    for name in ("paths", "definitions"):
        known = msgspec.json.decode(parts[name], type=dict[str, msgspec.Raw])
        document[name] = {key: value for key, value in document[name].items() if key not in known}
        more = {key: msgspec.Raw(encode(value)) for key, value in document[name].items()}
        parts[name] = msgspec.Raw(encode(dict(sorted((known | more).items()))))
    protobuf = gzip.decompress(built_in[1].body) + encode_parts(document)
    return Packed.of(encode(parts)), Packed.of(protobuf)


def build_v2(version: str, resources: Sequence[Resource], texts: Texts) -> tuple[Packed, Packed]:
    """Return everything in one document, as JSON and as protobuf."""
    document = _document(V2(), version, kinds_of(resources), texts, resources)
    return Packed.of(encode(document)), Packed.of(encode_v2(document))


def _document(
    dialect: Dialect,
    version: str,
    kinds: Kinds,
    texts: Texts,
    resources: Sequence[Resource],
    group: str | None = None,
    group_version: str = "",
    defined: Definitions | None = None,
) -> Node:
    """Describe one group version; all of them where none is named."""
    schemas = Schemas(dialect, kinds, texts)
    paths = Paths(dialect, schemas, defined)
    found: Node = {}
    for resource in resources:
        if group is None or (resource.group, resource.version) == (group, group_version):
            found.update(paths.of(resource))
    for question in questions():
        if group is None or question[:2] == (group, group_version):
            found.update([paths.of_question(*question)])
    schemas.of(WatchEvent)
    return dialect.document(version, dict(sorted(found.items())), schemas.sorted())


def _group_versions(resources: Sequence[Resource]) -> list[tuple[str, str]]:
    return sorted({(r.group, r.version) for r in resources} | {(g, v) for g, v, *_ in questions()})


def _place(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def kinds_of(resources: Sequence[Resource], defined: Definitions | None = None) -> Kinds:
    """Return which kinds a definition describes; those of every group version can be many."""
    kinds: dict[str, list[GroupVersionKind]] = defaultdict(list)

    def add(type_: Described, gvk: GroupVersionKind) -> None:
        kinds[full_name(type_)].append(gvk)

    for one in resources:
        gvk = one.group, one.version, one.kind
        type_ = (defined or {}).get(gvk, one.type)
        add(type_, gvk)
        kinds[list_name(type_)].append((one.group, one.version, one.list_kind))
    for group, version, _, virtual in questions():
        add(virtual.type, (group, version, virtual.kind))
    add(Scale, ("autoscaling", "v1", "Scale"))
    add(Eviction, ("policy", "v1", "Eviction"))
    add(TokenRequest, ("authentication.k8s.io", "v1", "TokenRequest"))
    add(Status, ("", "v1", "Status"))
    for group, version in _group_versions(resources):
        add(DeleteOptions, (group, version, "DeleteOptions"))
        add(WatchEvent, (group, version, "WatchEvent"))
    return kinds
