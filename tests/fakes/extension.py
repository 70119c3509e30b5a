"""An extension API server: fruits.example.com/v1, with discovery, OpenAPI, list, get, create, delete and watch."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from controlplane.pki.issue import Leaf, Pair, issue, new_authority

GROUP, VERSION = "fruits.example.com", "v1"
PATH = f"/apis/{GROUP}/{VERSION}"
_VERBS = ["create", "delete", "get", "list", "watch"]
_KIND = {"group": GROUP, "version": VERSION, "kind": "Fruit"}
_SCHEMA = {
    "type": "object",
    "description": "Fruit grows on trees.",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "colour": {"type": "string", "description": "What one sees."},
    },
    "x-kubernetes-group-version-kind": [_KIND],
}


@dataclass
class Extension:
    """Remembers who called, as the headers said."""

    callers: list[Mapping[str, Any]] = field(default_factory=list)
    fruits: dict[str, dict[str, Any]] = field(default_factory=dict)
    aggregated: bool = True  # whether it knows the new form of discovery
    healthy: bool = True
    changes: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        self.callers.append({
            "path": request.path_qs,
            "user": headers.get("X-Remote-User"),
            "groups": headers.getall("X-Remote-Group", []),
            "extra": {name: value for name, value in headers.items() if name.lower().startswith("x-remote-extra-")},
            "authorization": headers.get("Authorization"),
        })  # fmt: skip
        if not self.healthy:
            return web.Response(status=500, text="broken")
        if request.path.endswith("/elsewhere"):
            return web.Response(status=302, headers={"Location": "https://example.com/"})
        if request.path.endswith("/connect"):
            return await self._connect(request)
        if request.path.startswith(f"{PATH}/namespaces/"):
            return await self._objects(request)
        if request.path == f"{PATH}/fruits":
            return await self._list(request)
        return self._document(request)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket

    def _document(self, request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        if request.path == "/apis" and self.aggregated and "APIGroupDiscoveryList" in accept:
            media_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            return web.Response(body=json.dumps(self._discovery()), headers={"Content-Type": media_type, "ETag": '"1"'})
        documents: dict[str, Any] = {
            PATH: {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": f"{GROUP}/{VERSION}",
                "resources": [
                    {"name": "fruits", "singularName": "fruit", "namespaced": True, "kind": "Fruit", "verbs": _VERBS,
                     "shortNames": ["fr"]},
                    {"name": "fruits/status", "singularName": "", "namespaced": True, "kind": "Fruit",
                     "verbs": ["get"]},
                ],
            },
            "/openapi/v2": {
                "swagger": "2.0",
                "info": {"title": "fruits", "version": "1"},
                "paths": {f"{PATH}/fruits": {"get": {"responses": {"200": {
                    "description": "OK", "schema": {"$ref": "#/definitions/com.example.Fruit"}}}}}},
                "definitions": {"com.example.Fruit": _SCHEMA},
            },
            f"/openapi/v3{PATH}": {
                "openapi": "3.0.0",
                "info": {"title": "fruits", "version": "1"},
                "paths": {f"{PATH}/namespaces/{{namespace}}/fruits": {"get": {
                    "x-kubernetes-group-version-kind": _KIND, "x-kubernetes-action": "list",
                    "responses": {"200": {"description": "OK"}}}}},
                "components": {"schemas": {"com.example.Fruit": _SCHEMA}},
            },
        }  # fmt: skip
        if request.path not in documents:
            return _status(404, "NotFound", "the server could not find the requested resource")
        return web.json_response(documents[request.path])

    def _discovery(self) -> dict[str, Any]:
        fruits = {
            "resource": "fruits",
            "responseKind": _KIND,
            "scope": "Namespaced",
            "singularResource": "fruit",
            "shortNames": ["fr"],
            "verbs": _VERBS,
        }
        versions = [{"version": VERSION, "resources": [fruits], "freshness": "Current"}]
        item = {"metadata": {"name": GROUP, "creationTimestamp": None}, "versions": versions}
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": [item],
        }

    async def _objects(self, request: web.Request) -> web.StreamResponse:
        _, _, name = request.path.removeprefix(f"{PATH}/namespaces/").split("/", 1)[1].partition("/")
        if request.method == "POST":
            fruit = await request.json()
            fruit["metadata"] |= {"namespace": "default", "uid": "1", "resourceVersion": str(len(self.changes) + 1)}
            self.fruits[fruit["metadata"]["name"]] = fruit
            await self._tell("ADDED", fruit)
            return web.json_response(fruit, status=201)
        if not name:
            return await self._list(request)
        if name not in self.fruits:
            return _status(404, "NotFound", f'fruits.{GROUP} "{name}" not found')
        if request.method == "DELETE":
            await self._tell("DELETED", self.fruits.pop(name))
            return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        return web.json_response(self.fruits[name])

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") in ("1", "true"):
            return await self._watch(request)
        metadata = {"resourceVersion": str(len(self.changes))}
        items = list(self.fruits.values())
        return web.json_response(
            {"kind": "FruitList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata, "items": items}
        )

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        position = int(request.query.get("resourceVersion") or 0)
        while True:
            async with self.changed:
                while len(self.changes) <= position:
                    await self.changed.wait()
            for change in self.changes[position:]:
                await response.write(json.dumps(change).encode() + b"\n")
            position = len(self.changes)

    async def _tell(self, type_: str, fruit: dict[str, Any]) -> None:
        async with self.changed:
            self.changes.append({"type": type_, "object": fruit})
            self.changed.notify_all()


def _status(code: int, reason: str, message: str) -> web.Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return web.json_response({**status, "code": code}, status=code)


@dataclass
class FrontProxyPki:
    """The two authorities of aggregation: who vouches for callers, and who for the extension server."""

    front_proxy: Pair
    servers: Pair
    certificate: Path
    key: Path
    tls: ssl.SSLContext  # of the extension server

    @classmethod
    def make(cls, directory: Path, now: Any, service: str) -> FrontProxyPki:
        front_proxy, servers = new_authority("front-proxy-ca", now), new_authority("fruit-ca", now)
        pairs = {
            "front-proxy-client": issue(Leaf("front-proxy-client"), front_proxy, now),
            "front-proxy-ca": front_proxy,
            "fruit": issue(Leaf("fruit", (), (service,), (), ("digital signature", "server auth")), servers, now),
        }
        for name, pair in pairs.items():
            (directory / f"{name}.crt").write_bytes(pair.certificate_pem)
            (directory / f"{name}.key").write_bytes(pair.key_pem)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(directory / "fruit.crt", directory / "fruit.key")
        tls.load_verify_locations(directory / "front-proxy-ca.crt")
        tls.verify_mode = ssl.CERT_REQUIRED
        own = directory / "front-proxy-client"
        return cls(front_proxy, servers, own.with_suffix(".crt"), own.with_suffix(".key"), tls)
