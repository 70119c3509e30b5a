"""OpenAPI of everything behind this address: our own documents, and those of extension servers beside or inside them.

v3 is a document a group version: theirs is listed under its own hash and handed out as they gave it. v2 is one document
for all: their paths and the definitions that those use are put into ours, under another name where one is taken.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from multidict import CIMultiDict

from controlplane.api.codec import Document, encode
from controlplane.apiserver.aggregation.aggregator import GroupVersion
from controlplane.apiserver.aggregation.remote import Caller, Remote
from controlplane.apiserver.messages import JSON, Page, Query, Request, Response
from controlplane.apiserver.openapi.answers import Packed, answer_v2, answer_v3, packed
from controlplane.apiserver.openapi.protobuf import encode_v2

_log = logging.getLogger(__name__)

_V2, _V3 = "/openapi/v2", "/openapi/v3"
_SECONDS = 30.0  # such documents are large, and nobody waits for them
_REFERENCE = "#/definitions/"
_BARE: Document = {"swagger": "2.0", "info": {"title": "", "version": ""}, "security": [], "securityDefinitions": {}}
_KINDS = "x-kubernetes-group-version-kind"


class MergedOpenApi:
    """Answers for all servers; while there are only our own documents, `local` answers."""

    def __init__(self, local: Page, caller: Caller):
        self._local, self._caller = local, caller
        self._kept: frozenset[GroupVersion] = frozenset()
        self._v3: dict[GroupVersion, Packed] = {}
        self._v2: dict[GroupVersion, Document] = {}
        self._etags: dict[tuple[GroupVersion, str], str] = {}
        self._changes = 0  # of their v2 documents
        self._merged: tuple[tuple[str, int], tuple[Packed, Packed]] | None = None  # of which, and v2 in both forms
        self._merging = asyncio.Lock()

    def keep(self, remotes: Iterable[Remote]) -> None:
        """Forget the documents of group versions that no other server serves any more."""
        self._kept = frozenset((remote.group, remote.version) for remote in remotes)
        for key in (self._v3.keys() | self._v2.keys()) - self._kept:
            self._v3.pop(key, None)
            if self._v2.pop(key, None) is not None:
                self._changes += 1
        self._etags = {key: etag for key, etag in self._etags.items() if key[0] in self._kept}

    async def learn(self, remote: Remote) -> None:
        """Ask a server for its documents; it need not have any. Raises Unreachable.

        Its APIService may go in the meantime: then nothing is kept of them.
        """
        key = (remote.group, remote.version)
        third = await self._get(remote, key, f"{_V3}{remote.path}")
        packed_third = await asyncio.to_thread(Packed.of, third) if third is not None else None
        if packed_third is not None and key in self._kept:
            self._v3[key] = packed_third
        second = await self._get(remote, key, _V2)
        part = await asyncio.to_thread(_own_part, second, remote) if second is not None else None
        if part is not None and key in self._kept:
            self._v2[key] = part
            self._changes += 1

    async def _get(self, remote: Remote, key: GroupVersion, path: str) -> bytes | None:
        """Return a document that has changed; None for one that has not, and for none."""
        etag = self._etags.get((key, path), "")
        told = await self._caller.get(remote, path, seconds=_SECONDS, accept=JSON, etag=etag)
        if told.status != 200 or not told.headers.get("Content-Type", JSON).startswith(JSON):
            return None
        if key in self._kept:
            self._etags[key, path] = told.headers.get("ETag", "")
        return told.body

    async def answer(self, request: Request) -> Response | None:
        """Answer a GET of an OpenAPI path; None for any other path."""
        path = request.path.rstrip("/")
        if path == _V3 and self._v3:
            return await self._answer_index(request)
        if path == _V2 and self._v2:
            as_json, as_protobuf = await self._everything(request)
            return answer_v2(request, as_json, as_protobuf)
        if path.startswith(_V3 + "/apis/"):
            group, _, version = path.removeprefix(_V3 + "/apis/").partition("/")
            theirs = self._v3.get((group, version))
            if theirs is not None:
                return answer_v3(request, theirs)
        return await self._local(request)

    async def _answer_index(self, request: Request) -> Response | None:
        paths: Document = _unpacked(await self._ours(request, _V3))["paths"]
        for (group, version), document in self._v3.items():
            place = f"apis/{group}/{version}"
            paths[place] = {"serverRelativeURL": f"{_V3}/{place}?hash={document.hash}"}
        return packed(Packed.of(encode({"paths": dict(sorted(paths.items()))})), request)

    async def _everything(self, request: Request) -> tuple[Packed, Packed]:
        async with self._merging:
            ours = await self._ours(request, _V2)
            made_of = (ours.headers["ETag"], self._changes)
            if self._merged is None or self._merged[0] != made_of:
                documents = await asyncio.to_thread(_pack, ours, list(self._v2.values()))
                self._merged = made_of, documents
            return self._merged[1]

    async def _ours(self, request: Request, path: str) -> Response:
        """Return our own document, packed as it is kept."""
        headers = CIMultiDict({"Accept": JSON, "Accept-Encoding": "gzip"})
        answer = await self._local(Request("GET", path, Query(""), headers, request.read, request.peer))
        assert answer is not None, "our own documents are always there"
        return answer


def _unpacked(answer: Response) -> Document:
    document: Document = msgspec.json.decode(gzip.decompress(answer.body))
    return document


def _own_part(body: bytes, remote: Remote) -> Document | None:
    """Return what a server's v2 document says of one group version; None if ours could not be written with it."""
    try:
        part = part_of(msgspec.json.decode(body, type=dict[str, Any]), remote.group, remote.version)
        encode_v2({**_BARE, **part})
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError) as error:
        _log.warning("the OpenAPI v2 document of %s is left out: %s: %s", remote.name, type(error).__name__, error)
        return None
    return part


def _pack(ours: Response, theirs: Iterable[Document]) -> tuple[Packed, Packed]:
    merged = _unpacked(ours)
    for one in theirs:
        merged = merged_v2(merged, one)
    return Packed.of(encode(merged)), Packed.of(encode_v2(merged))


def part_of(document: Document, group: str, version: str) -> Document:
    """Return the paths of a group version, and the definitions that they or its kinds use."""
    prefix = f"/apis/{group}/{version}"
    paths = {
        path: item
        for path, item in document.get("paths", {}).items()
        if path.rstrip("/") == prefix or path.startswith(prefix + "/")
    }
    definitions: Mapping[str, Any] = document.get("definitions", {})
    wanted = list(_references(paths))
    for name, definition in definitions.items():
        if any((k.get("group"), k.get("version")) == (group, version) for k in definition.get(_KINDS, ())):
            wanted.append(name)
    used: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name in definitions and name not in used:
            used[name] = definitions[name]
            wanted += _references(definitions[name])
    return {"paths": paths, "definitions": used}


def merged_v2(ours: Document, theirs: Document) -> Document:
    """Return our document with another's paths and definitions; a name taken for something else gets a number."""
    definitions = dict(ours["definitions"])
    names: dict[str, str] = {}
    for name, definition in theirs["definitions"].items():
        names[name] = _free(name, definition, definitions, theirs["definitions"])
    for name, definition in theirs["definitions"].items():
        definitions.setdefault(names[name], _renamed(definition, names))
    paths = {**_renamed(theirs["paths"], names), **ours["paths"]}
    return {**ours, "paths": dict(sorted(paths.items())), "definitions": dict(sorted(definitions.items()))}


def _free(name: str, definition: Any, taken: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    new, number = name, 1
    while (new in taken and _shape(taken[new]) != _shape(definition)) or (new != name and new in theirs):
        number += 1
        new = f"{name}_v{number}"
    return new


def _shape(definition: Any) -> Any:
    """Return a definition without what only people read and without the kinds that use it."""
    if isinstance(definition, dict):
        words = {_KINDS} | ({"description"} if isinstance(definition.get("description"), str) else set())
        return {key: _shape(value) for key, value in definition.items() if key not in words}
    return [_shape(one) for one in definition] if isinstance(definition, list) else definition


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            yield reference.removeprefix(_REFERENCE)
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    new = {key: _renamed(one, names) for key, one in value.items()}
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REFERENCE):
        old = reference.removeprefix(_REFERENCE)
        new["$ref"] = _REFERENCE + names.get(old, old)
    return new
