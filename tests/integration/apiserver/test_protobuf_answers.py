"""Answers in protobuf, for clients that accept nothing else: objects, lists, watches and failures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import msgspec
import pytest
from multidict import CIMultiDict

from controlplane.api.protobuf import MEDIA_TYPE, decode_object, encode_object
from controlplane.api.protobuf.decode import read_fields
from controlplane.apiserver.loopback import SYSTEM
from controlplane.apiserver.messages import Peer, Query, Request, Stream
from controlplane.client.transport import Response
from controlplane.testing import MemoryApi
from tests.integration.apiserver.conftest import config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


async def asked(api: MemoryApi, method: str, path: str, body: Any = None, accept: str = MEDIA_TYPE) -> Response:
    path, _, query = path.partition("?")
    sent = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
    content_type = MEDIA_TYPE if isinstance(body, bytes) else "application/json"
    pairs = Query(query).pairs
    return await api.transport().request(
        method, path, query=pairs, body=sent, content_type=content_type, headers={"Accept": accept}
    )


def read(answer: Response, status: int = 200) -> dict[str, Any]:
    assert (answer.status, answer.headers["Content-Type"]) == (status, MEDIA_TYPE)
    return decode_object(answer.body, "", "")


async def in_json(api: MemoryApi, path: str) -> dict[str, Any]:
    answer = await asked(api, "GET", path, accept="application/json")
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found


def items_of(answer: Response) -> list[bytes]:
    raw = cast(bytes, dict(read_fields(answer.body[4:]))[2])
    return [cast(bytes, value) for number, value in read_fields(raw) if number == 2]


async def test_an_object_says_what_its_json_says(api: MemoryApi) -> None:
    created = read(await asked(api, "POST", PODS, encode_object(pod())), 201)
    stored = await in_json(api, f"{PODS}/web")
    del stored["spec"]["containers"][0]["resources"]  # empty, which a message does not tell from absent
    assert created == stored
    assert read(await asked(api, "GET", f"{PODS}/web")) == created


async def test_a_change_is_answered_with_what_was_stored(api: MemoryApi) -> None:
    await asked(api, "POST", MAPS, config_map())
    replaced = await asked(api, "PUT", f"{MAPS}/cm", encode_object(config_map(data={"key": "new"})))
    assert read(replaced)["data"] == {"key": "new"}


async def test_a_list(api: MemoryApi) -> None:
    for name in ("a", "b"):
        await asked(api, "POST", MAPS, config_map(name))
    answer = await asked(api, "GET", MAPS)
    assert (answer.status, answer.headers["Content-Type"]) == (200, MEDIA_TYPE)
    envelope = dict(read_fields(answer.body[4:]))
    assert dict(read_fields(cast(bytes, envelope[1]))) == {1: b"v1", 2: b"ConfigMapList"}
    enveloped = [
        encode_object({"apiVersion": "v1", "kind": "ConfigMap"})[:4] + _unknown(item) for item in items_of(answer)
    ]
    assert [decode_object(one, "v1", "ConfigMap")["metadata"]["name"] for one in enveloped] == ["a", "b"]


def _unknown(raw: bytes) -> bytes:
    length = len(raw)
    size = b""
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return b"\x12" + size + bytes([length]) + raw


async def test_only_the_metadata(api: MemoryApi) -> None:
    await asked(api, "POST", MAPS, config_map())
    accept = f"{MEDIA_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    found = read(await asked(api, "GET", f"{MAPS}/cm", accept=accept))
    assert (found["apiVersion"], found["kind"]) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    assert set(found) == {"apiVersion", "kind", "metadata"}
    listed = f"{MEDIA_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert len(items_of(await asked(api, "GET", MAPS, accept=listed))) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        pytest.param("GET", f"{MAPS}/none", 404, "NotFound", id="missing"),
        pytest.param("POST", MAPS, 400, "BadRequest", id="no body"),
        pytest.param("GET", "/apis/nowhere/v1/things", 404, "NotFound", id="no such path"),
    ],
)
async def test_a_failure(api: MemoryApi, method: str, path: str, status: int, reason: str) -> None:
    found = read(await asked(api, method, path), status)
    assert (found["kind"], found["status"], found["reason"], found["code"]) == ("Status", "Failure", reason, status)


async def test_a_deletion(api: MemoryApi) -> None:
    await asked(api, "POST", MAPS, config_map())
    found = read(await asked(api, "DELETE", f"{MAPS}/cm"))
    assert (found["status"], found["details"]["kind"]) == ("Success", "configmaps")


async def test_discovery(api: MemoryApi) -> None:
    found = read(await asked(api, "GET", "/api/v1"))
    maps = next(one for one in found["resources"] if one["name"] == "configmaps")
    assert "watch" in maps["verbs"]


async def test_a_table_is_no_message(api: MemoryApi) -> None:
    answer = await asked(api, "GET", MAPS, accept=f"{MEDIA_TYPE};as=Table;g=meta.k8s.io;v=v1")
    assert answer.status == 406


async def watched(api: MemoryApi, query: str) -> Stream:
    headers = CIMultiDict({"Accept": MEDIA_TYPE})

    async def nothing() -> bytes:
        return b""

    request = Request("GET", MAPS, Query(f"watch=1&{query}"), headers, nothing, Peer(user=SYSTEM))
    answer = await api.server.pipeline.handle(request)
    assert isinstance(answer, Stream)
    return answer


async def frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    waiting = b""
    async for chunk in chunks:
        waiting += chunk
        while len(waiting) >= 4 and len(waiting) >= 4 + (size := int.from_bytes(waiting[:4], "big")):
            event = dict(read_fields(waiting[4 : 4 + size]))
            raw = dict(read_fields(cast(bytes, event[2])))[1]
            yield cast(bytes, event[1]).decode(), decode_object(cast(bytes, raw), "", "")
            waiting = waiting[4 + size :]


async def test_a_watch(api: MemoryApi) -> None:
    await asked(api, "POST", MAPS, config_map("before"))
    answer = await watched(api, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
    assert answer.content_type == f"{MEDIA_TYPE};stream=watch"
    async with aclosing(cast(Any, answer.chunks)) as chunks:
        events = frames(chunks)
        type_, found = await anext(events)
        assert (type_, found["metadata"]["name"]) == ("ADDED", "before")
        type_, found = await anext(events)
        assert (type_, found["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})
        await asked(api, "DELETE", f"{MAPS}/before")
        type_, found = await anext(events)
        assert (type_, found["kind"], found["data"]) == ("DELETED", "ConfigMap", {"key": "value"})
