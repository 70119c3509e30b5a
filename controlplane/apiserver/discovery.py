"""What this server serves, told to clients: the plain lists of each path, and all of it at once (aggregated).

GET /api                 versions of the core group        GET /apis             every other group
GET /api/v1              its resources                     GET /apis/apps/v1     its resources
GET /api, /apis with Accept: …;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList      everything in one answer
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from controlplane.api.codec import Document, encode
from controlplane.api.resources import RESOURCES, Resource
from controlplane.api.version_priority import version_priority
from controlplane.apiserver.catalog import Catalog
from controlplane.apiserver.messages import Request, Response
from controlplane.apiserver.negotiation import JSON, PROTOBUF, YAML, negotiate, parse_accept
from controlplane.apiserver.verbs import kind_of, verbs_of
from controlplane.apiserver.virtual import VIRTUAL

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Served:
    """One resource as discovery announces it; `subresources` are names with their verbs and kinds."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[tuple[str, tuple[str, ...], tuple[str, str, str]], ...] = ()

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def served_of(resource: Resource) -> Served:
    """Return how a stored resource is announced."""
    return Served(
        resource.group,
        resource.version,
        resource.kind,
        resource.plural,
        resource.singular,
        resource.namespaced,
        verbs_of(resource),
        resource.short_names,
        resource.categories,
        tuple((name, verbs_of(resource, name), kind_of(resource, name)) for name in sorted(resource.subresources)),
    )


def reviews() -> Iterator[Served]:
    """Yield the questions that are asked by POST and never stored."""
    for (group, version, plural), virtual in VIRTUAL.items():
        if "/" not in plural:
            yield Served(group, version, virtual.kind, plural, virtual.kind.lower(), virtual.namespaced, ("create",))


# Upstream's order: kubectl looks a short name up in the first group that has it.
_GROUP_ORDER = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
    "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
    "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
    "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
    "storagemigration.k8s.io",
)  # fmt: skip


class Discovery:
    """Every discovery document, encoded once."""

    def __init__(self, served: Sequence[Served] = (), *, server_address: str = ""):
        everything = served or (*map(served_of, RESOURCES), *reviews())
        by_place = sorted(
            everything, key=lambda one: (_rank(one.group), one.group, version_priority(one.version), one.plural)
        )
        groups = {
            group: {version: list(same) for version, same in groupby(of_group, lambda one: one.version)}
            for group, of_group in groupby(by_place, lambda one: one.group)
        }
        self._documents = _documents(groups, server_address)
        self._aggregated = {
            "/api": _etagged(_aggregated({"": groups.get("", {})})),
            "/apis": _etagged(_aggregated({group: versions for group, versions in groups.items() if group})),
        }

    @property
    def paths(self) -> Sequence[str]:
        return tuple(self._documents)

    def answer(self, request: Request) -> Response | None:
        """Answer a GET of a discovery path; None for any other path."""
        path = request.path.rstrip("/")
        accept = request.headers.get("Accept", "")
        if path in self._aggregated and _wants_aggregated(accept):
            return self._answer_aggregated(request, *self._aggregated[path])
        document = self._documents.get(path)
        if document is None:
            return None
        wanted = negotiate(accept).media_type
        if wanted == YAML:
            from controlplane.apiserver.answers import to_yaml

            return Response(200, to_yaml(document), YAML)
        if wanted == PROTOBUF:
            from controlplane.apiserver.answers import to_protobuf

            return Response(200, to_protobuf(msgspec.json.decode(document)), PROTOBUF)
        return Response(200, document, headers={"Vary": "Accept"} if path in self._aggregated else {})

    def _answer_aggregated(self, request: Request, body: bytes, etag: str) -> Response:
        headers = {"Vary": "Accept", "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return Response(304, b"", _AGGREGATED, headers)
        return Response(200, body, _AGGREGATED, headers)


class CurrentDiscovery:
    """Discovery of whatever the catalog holds: made when somebody first asks, and again after a change."""

    def __init__(self, catalog: Catalog, server_address: str = ""):
        self._catalog, self._address = catalog, server_address
        self._made: tuple[int, Discovery] | None = None

    @property
    def now(self) -> Discovery:
        version = self._catalog.version
        if self._made is None or self._made[0] != version:
            served = (*map(served_of, self._catalog.resources.values()), *reviews())
            self._made = version, Discovery(served, server_address=self._address)
        return self._made[1]


def _rank(group: str) -> int:
    return _GROUP_ORDER.index(group) if group in _GROUP_ORDER else len(_GROUP_ORDER)


def _wants_aggregated(accept: str) -> bool:
    for media in parse_accept(accept):
        wanted = media.parameters
        if media.includes(JSON) and wanted.get("as") == "APIGroupDiscoveryList":
            if wanted.get("g") == "apidiscovery.k8s.io" and wanted.get("v") == "v2":
                return True
        elif media.includes(JSON) and "as" not in wanted:
            return False
    return False


def _etagged(body: bytes) -> tuple[bytes, str]:
    return body, f'"{hashlib.sha512(body).hexdigest().upper()}"'


Groups = Mapping[str, Mapping[str, Sequence[Served]]]


def _documents(groups: Groups, server_address: str) -> dict[str, bytes]:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}]
    documents: dict[str, Document] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(name, versions) for name, versions in groups.items() if name],
        },
    }
    for name, versions in groups.items():
        if name:
            documents[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}
        for version, served in versions.items():
            path = f"/apis/{name}/{version}" if name else f"/api/{version}"
            documents[path] = _resource_list(served)
    return {path: encode(document) for path, document in documents.items()}


def _group(name: str, versions: Mapping[str, Sequence[Served]]) -> Document:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resource_list(served: Sequence[Served]) -> Document:
    resources: list[Document] = []
    for one in served:
        resources.append({
            "name": one.plural,
            "singularName": one.singular,
            "namespaced": one.namespaced,
            "kind": one.kind,
            "verbs": one.verbs,
            **({"shortNames": one.short_names} if one.short_names else {}),
            **({"categories": one.categories} if one.categories else {}),
        })  # fmt: skip
        for name, verbs, (group, version, kind) in one.subresources:
            elsewhere = {"group": group, "version": version} if (group, version) != (one.group, one.version) else {}
            resources.append({
                "name": f"{one.plural}/{name}",
                "singularName": "",
                "namespaced": one.namespaced,
                **elsewhere,
                "kind": kind,
                "verbs": verbs,
            })  # fmt: skip
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": served[0].group_version,
        "resources": resources,
    }


def _aggregated(groups: Groups) -> bytes:
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None},
            "versions": [
                {"version": version, "resources": list(map(_aggregated_resource, served)), "freshness": "Current"}
                for version, served in versions.items()
            ],
        }
        for name, versions in groups.items()
    ]
    kind = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
    return encode({**kind, "metadata": {}, "items": items})


def _aggregated_resource(one: Served) -> Document:
    document: Document = {
        "resource": one.plural,
        "responseKind": {"group": one.group, "version": one.version, "kind": one.kind},
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.singular,
        "verbs": one.verbs,
    }
    if one.short_names:
        document["shortNames"] = one.short_names
    if one.categories:
        document["categories"] = one.categories
    if one.subresources:
        document["subresources"] = [
            {
                "subresource": name,
                "responseKind": dict(zip(("group", "version", "kind"), kind, strict=True)),
                "verbs": verbs,
            }
            for name, verbs, kind in one.subresources
        ]
    return document
