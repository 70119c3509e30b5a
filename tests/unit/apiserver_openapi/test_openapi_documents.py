"""The documents as clients read them: complete, closed, and with the marks that merging needs."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controlplane.api.generate import MODULES, definitions
from controlplane.api.resources import RESOURCES, Resource
from controlplane.api.status import NotAcceptable
from controlplane.apiserver.messages import Peer, Query, Request, Response
from controlplane.apiserver.openapi import facts
from controlplane.apiserver.openapi.documents import OpenApi, build_v2, build_v3
from controlplane.apiserver.openapi.generate import atomic, formats, required, unions
from controlplane.apiserver.verbs import verbs_of

VERSION = "v1.37.0"
PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

CORE, META = "io.k8s.api.core.v1", "io.k8s.apimachinery.pkg.apis.meta.v1"

V3 = {place: msgspec.json.decode(gzip.decompress(one.body)) for place, one in build_v3(VERSION, RESOURCES, {}).items()}
V2 = msgspec.json.decode(gzip.decompress(build_v2(VERSION, RESOURCES, {})[0].body))
DOCUMENTS = {"v2": V2, **{place: document for place, document in V3.items() if place}}


def schemas_of(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["definitions"] if "swagger" in document else document["components"]["schemas"]
    return found


def place_of(resource: Resource) -> str:
    return resource.path().removeprefix("/").rpartition("/")[0]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def kinds_in(document: Any) -> set[tuple[str, str, str]]:
    return {
        (kind["group"], kind["version"], kind["kind"])
        for schema in schemas_of(document).values()
        for kind in schema.get("x-kubernetes-group-version-kind", ())
    }


async def nothing() -> bytes:
    return b""


def a_request(path: str, query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", path, Query(query), named, nothing, Peer())


async def answer(path: str, query: str = "", **headers: str) -> Response:
    found = await OpenApi(VERSION).answer(a_request(path, query, **headers))
    assert found is not None
    return found


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.group_resource)
def test_every_kind_and_its_list_is_in_its_group_version_and_in_v2(resource: Resource) -> None:
    wanted = {(resource.group, resource.version, resource.kind)}
    if "list" in verbs_of(resource):
        wanted.add((resource.group, resource.version, resource.kind + "List"))
    assert wanted <= kinds_in(V3[place_of(resource)])
    assert wanted <= kinds_in(V2)


@pytest.mark.parametrize("resource", [r for r in RESOURCES if "patch" in verbs_of(r)], ids=lambda r: r.group_resource)
def test_kubectl_finds_that_patch_validates_fields(resource: Resource) -> None:
    path = resource.path("{namespace}" if resource.namespaced else "", "{name}")
    for document in (V2, V3[place_of(resource)]):
        patch = document["paths"][path]["patch"]
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        assert patch["x-kubernetes-group-version-kind"] == gvk
        names = {parameter["name"] for parameter in patch["parameters"]}
        assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= names


@pytest.mark.parametrize("place", DOCUMENTS)
def test_every_reference_leads_somewhere(place: str) -> None:
    document = DOCUMENTS[place]
    head = "#/definitions/" if place == "v2" else "#/components/schemas/"
    assert {ref.removeprefix(head) for ref in references(document)} <= set(schemas_of(document))


@pytest.mark.parametrize("place", DOCUMENTS)
def test_every_parameter_of_a_path_is_declared(place: str) -> None:
    for path, item in DOCUMENTS[place]["paths"].items():
        declared = {parameter["name"] for parameter in item["parameters"] if parameter["in"] == "path"}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path


@pytest.mark.parametrize("place", DOCUMENTS)
def test_operations_have_names_of_their_own(place: str) -> None:
    named = [
        operation["operationId"]
        for item in DOCUMENTS[place]["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(named) == len(set(named))


_KEYS = "x-kubernetes-list-map-keys"
_MAP_TYPE = "x-kubernetes-map-type"
_TYPE, _MERGE_KEY, _STRATEGY = "x-kubernetes-list-type", "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy"

_APIMACHINERY = (
    "io.k8s.apimachinery.pkg.api.resource",
    "io.k8s.apimachinery.pkg.runtime",
    "io.k8s.apimachinery.pkg.util.intstr",
)
_UNSAID = {_TYPE: "atomic", _MAP_TYPE: "granular"}  # how lists and maps merge when nothing is said


@pytest.mark.parametrize(
    ("owner", "field", "marks"),
    [
        pytest.param(
            f"{CORE}.PodSpec",
            "containers",
            {_TYPE: "map", _KEYS: ["name"], _MERGE_KEY: "name", _STRATEGY: "merge"},
            id="containers merge by name",
        ),
        pytest.param(
            f"{CORE}.ServiceSpec",
            "ports",
            {_TYPE: "map", _KEYS: ["port", "protocol"], _MERGE_KEY: "port", _STRATEGY: "merge"},
            id="ports have two keys",
        ),
        pytest.param(
            f"{CORE}.PodSpec", "volumes", {_MERGE_KEY: "name", _STRATEGY: "merge,retainKeys"}, id="volumes retain keys"
        ),
        pytest.param(f"{META}.ObjectMeta", "finalizers", {_TYPE: "set", _STRATEGY: "merge"}, id="finalizers are a set"),
        pytest.param(f"{CORE}.Container", "args", {_TYPE: "atomic"}, id="args are replaced"),
    ],
)
def test_marks_say_how_to_merge(owner: str, field: str, marks: dict[str, Any]) -> None:
    for document in (V2, V3["api/v1"]):
        node = schemas_of(document)[owner]["properties"][field]
        assert {key: node[key] for key in marks} == marks


def test_marks_are_upstreams() -> None:
    """Each merge rule of each served type is the one in the facts."""
    upstream = definitions()
    for name, schema in schemas_of(V2).items():
        for wire, node in schema.get("properties", {}).items():
            known = upstream[name]["properties"][wire]
            for key in (_TYPE, _KEYS, _MERGE_KEY, _STRATEGY, _MAP_TYPE):
                default = _UNSAID.get(key)
                assert node.get(key, default) == known.get(key, default), (name, wire, key)


def test_properties_are_upstreams() -> None:
    """Types and references agree with the facts, but for what v2 writes as text and means as either."""
    upstream = definitions()
    for name, schema in schemas_of(V2).items():
        assert schema.get("required", []) == sorted(upstream[name].get("required", [])), name
        assert set(schema.get("properties", {})) == set(upstream[name].get("properties", {})), name
        for wire, node in schema.get("properties", {}).items():
            known = upstream[name]["properties"][wire]
            if known.get("$ref", "").rpartition("/")[2].rpartition(".")[0] not in {"", *MODULES, *_APIMACHINERY}:
                continue  # an alpha field of a type in a group version that is not served
            assert node.get("$ref", "").rpartition("/")[2] == known.get("$ref", "").rpartition("/")[2], (name, wire)
            types = known.get("type")
            assert node.get("type") == (types[0] if isinstance(types, list) else types), (name, wire)
            assert node.get("format") == known.get("format"), (name, wire)


def test_notes_beside_a_reference_are_wrapped_in_v3_only() -> None:
    ref = f"{META}.ObjectMeta"
    wrapped = {"allOf": [{"$ref": f"#/components/schemas/{ref}"}], "default": {}}
    assert schemas_of(V3["api/v1"])[f"{CORE}.Pod"]["properties"]["metadata"] == wrapped
    assert schemas_of(V2)[f"{CORE}.Pod"]["properties"]["metadata"] == {"$ref": f"#/definitions/{ref}"}


def test_facts_are_current() -> None:
    upstream = definitions()
    assert required(upstream) == facts.REQUIRED
    assert formats(upstream) == facts.FORMATS
    assert frozenset(atomic(upstream)) == facts.ATOMIC
    assert unions(upstream) == facts.UNIONS


def test_descriptions_are_shown_where_they_are_installed_and_never_stored() -> None:
    described = gzip.decompress(build_v3(VERSION, RESOURCES, definitions())["api/v1"].body)
    assert msgspec.json.decode(described)["components"]["schemas"][f"{CORE}.Pod"]["description"]
    assert "description" not in schemas_of(V3["api/v1"])[f"{CORE}.Pod"]
    assert "description" not in Path(facts.__file__).read_text()


async def test_the_index_leads_to_documents_that_may_be_kept_for_good() -> None:
    index = msgspec.json.decode((await answer("/openapi/v3")).body)
    assert set(index["paths"]) == {place for place in V3 if place}
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    path, _, query = url.partition("?")
    document = await answer(path, query)
    assert document.headers["Cache-Control"] == "public, immutable"
    assert f'"{query.removeprefix("hash=")}"' == document.headers["ETag"]
    assert (await answer(path, If_None_Match=document.headers["ETag"])).status == 304


async def test_gzip_is_sent_to_those_who_read_it() -> None:
    packed = await answer("/openapi/v3/apis/apps/v1", Accept_Encoding="gzip")
    plain = await answer("/openapi/v3/apis/apps/v1")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("path", ["/openapi", "/openapi/v3/apis/apps/v2", "/openapi/v4", "/openapi/v3x", "/healthz"])
async def test_other_paths_are_not_ours(path: str) -> None:
    assert await OpenApi(VERSION).answer(a_request(path)) is None


async def test_v3_is_not_served_as_protobuf() -> None:
    with pytest.raises(NotAcceptable):
        await answer("/openapi/v3/api/v1", Accept="application/com.github.proto-openapi.spec.v3@v1.0+protobuf")
