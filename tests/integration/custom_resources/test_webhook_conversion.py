"""Versions that differ in more than their name: a webhook converts, at a URL or behind a Service."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from controlplane.pki.issue import Leaf, issue, new_authority
from tests.integration.apiserver.conftest import Asker
from tests.integration.custom_resources.conftest import WIDGETS, a_definition, a_version, define

Document = dict[str, Any]
OLD = "/apis/example.com/v1beta1/namespaces/default/widgets"
FREE = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def turned(document: Document, api_version: str) -> Document:
    """v1beta1 has "hostPort": "a:1"; v1 has "host": "a", "port": "1"."""
    made = {**document, "apiVersion": api_version}
    if api_version.endswith("/v1"):
        made["host"], _, made["port"] = made.pop("hostPort", ":").partition(":")
    else:
        made["hostPort"] = f"{made.pop('host', '')}:{made.pop('port', '')}"
    return made


@dataclass
class Converter:
    """A webhook that does its work, or whatever a test wants of it."""

    port: int = 0
    ca_bundle: str = ""
    asked: list[Document] = field(default_factory=list)
    change: Callable[[Document], Document] = lambda answer: answer

    async def handle(self, request: web.Request) -> web.Response:
        asked = (await request.json())["request"]
        self.asked.append({**asked, "host": request.host, "path": request.path})
        objects = [turned(one, asked["desiredAPIVersion"]) for one in asked["objects"]]
        response = {"uid": asked["uid"], "convertedObjects": objects, "result": {"status": "Success"}}
        answer = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response}
        return web.json_response(self.change(answer))


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Converter]:
    now = datetime.now(UTC)
    authority = new_authority("webhooks", now)
    leaf = Leaf("converter", (), ("converter.default.svc",), ("127.0.0.1",), ("digital signature", "server auth"))
    pair = issue(leaf, authority, now)
    for name, content in (("hook.crt", pair.certificate_pem), ("hook.key", pair.key_pem)):
        (directory / name).write_bytes(content)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(directory / "hook.crt", directory / "hook.key")
    converter = Converter(ca_bundle=base64.b64encode(authority.certificate_pem).decode())
    application = web.Application()
    application.router.add_post("/convert", converter.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    converter.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield converter
    finally:
        await runner.cleanup()


@pytest.fixture
async def converter(tmp_path: Path) -> AsyncIterator[Converter]:
    async with serving(tmp_path) as running:
        yield running


def converted_by(converter: Converter, **client_config: Any) -> Document:
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": client_config | {"caBundle": converter.ca_bundle}}
    versions = [a_version(schema=FREE), a_version("v1beta1", schema=FREE)]
    return a_definition(*versions, conversion={"strategy": "Webhook", "webhook": webhook})


def at_url(converter: Converter) -> Document:
    return converted_by(converter, url=f"https://127.0.0.1:{converter.port}/convert")


def old_widget(name: str) -> Document:
    return {"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {"name": name}, "hostPort": "a:1"}


async def test_each_version_has_its_own_fields(ask: Asker, converter: Converter) -> None:
    await define(ask, at_url(converter))
    made = await ask("POST", OLD, old_widget("old"))
    assert made.status == 201 and made.body["hostPort"] == "a:1", made.body
    new = (await ask("GET", f"{WIDGETS}/old")).body
    assert (new["apiVersion"], new["host"], new["port"]) == ("example.com/v1", "a", "1")
    await ask("POST", WIDGETS, {**new, "metadata": {"name": "new"}, "host": "b"})
    assert [one["hostPort"] for one in (await ask("GET", OLD)).body["items"]] == ["b:1", "a:1"]
    patched = await ask("PATCH", f"{OLD}/new", {"hostPort": "c:2"}, content_type="application/merge-patch+json")
    assert patched.body["hostPort"] == "c:2"
    assert (await ask("GET", f"{WIDGETS}/new")).body["host"] == "c"
    asked = len(converter.asked)
    await ask("GET", OLD)
    await ask("GET", f"{OLD}/new")
    assert len(converter.asked) == asked + 1  # only what has changed since is asked for, and once


async def test_a_webhook_behind_a_service(ask: Asker, converter: Converter) -> None:
    service = {
        "metadata": {"name": "converter"},
        "spec": {"ports": [{"name": "https", "port": 443}], "selector": {"a": "b"}},
    }
    assert (await ask("POST", "/api/v1/namespaces/default/services", service)).status == 201
    endpoints = {
        "metadata": {"name": "converter-1", "labels": {"kubernetes.io/service-name": "converter"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": converter.port}],
    }
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    told = await ask("POST", slices, endpoints)
    assert told.status in (201, 422)
    if told.status == 422:  # upstream refuses loopback addresses; who reads the store does not
        held = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", **endpoints}
        await ask.api.store.put("/registry/endpointslices/default/converter-1", msgspec.json.encode(held), expected=0)
    await define(
        ask, converted_by(converter, service={"namespace": "default", "name": "converter", "path": "/convert"})
    )
    await ask("POST", OLD, old_widget("old"))
    assert (await ask("GET", f"{WIDGETS}/old")).body["host"] == "a"
    assert (converter.asked[0]["host"], converter.asked[0]["path"]) == ("converter.default.svc:443", "/convert")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            lambda answer: {**answer, "response": {**answer["response"], "uid": "other"}},
            "expected response.uid=",
            id="another's answer",
        ),
        pytest.param(
            lambda answer: {
                **answer,
                "response": {**answer["response"], "result": {"status": "Failure", "message": "no way"}},
            },
            "failed: no way",
            id="a refusal",
        ),
        pytest.param(
            lambda answer: {**answer, "response": {**answer["response"], "convertedObjects": []}},
            "returned 0 objects, expected 1",
            id="nothing",
        ),
        pytest.param(lambda answer: _renamed(answer), "must have the same name", id="another object"),
        pytest.param(
            lambda answer: {**answer, "response": {**answer["response"], "result": True}},
            "response.result is no object",
            id="a result that is no Status",
        ),
        pytest.param(
            lambda answer: {**answer, "kind": "X"},
            "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview",
            id="no review",
        ),
        pytest.param(lambda answer: [answer], "Kind=ConversionReview, got /, Kind=", id="no object"),
    ],
)
async def test_what_cannot_be_used_is_an_error(ask: Asker, converter: Converter, change: Any, why: str) -> None:
    await define(ask, at_url(converter))
    await ask("POST", OLD, old_widget("old"))
    converter.change = change
    told = await ask("POST", OLD, old_widget("other"))
    assert told.status == 500 and told.message.startswith("conversion webhook for example.com/v1beta1, Kind=Widget")
    assert why in told.message


def _renamed(answer: Document) -> Document:
    for one in answer["response"]["convertedObjects"]:
        one["metadata"]["name"] = "renamed"
    return answer


async def test_a_webhook_that_is_not_there(ask: Asker, converter: Converter) -> None:
    await define(ask, converted_by(converter, url="https://127.0.0.1:9/convert"))
    told = await ask("POST", OLD, old_widget("old"))
    assert told.status == 500 and 'failed: Post "https://127.0.0.1:9/convert' in told.message


async def test_a_webhook_that_nobody_vouches_for(ask: Asker, converter: Converter) -> None:
    definition = at_url(converter)
    definition["spec"]["conversion"]["webhook"]["clientConfig"].pop("caBundle")
    await define(ask, definition)
    told = await ask("POST", OLD, old_widget("old"))
    assert told.status == 500 and "certificate" in told.message.lower() and converter.asked == []
