"""A webhook on the loopback interface: real HTTPS, answers as a test wants them, questions kept.

async with WebhookServer.listening(answer) as hook:
    configuration(..., clientConfig=hook.by_url("/path"))
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from controlplane.pki.issue import Leaf, Pair, issue, new_authority

Document = dict[str, Any]
Answer = Callable[[str, Document], Document | bytes | int | float]
"""From the path and the request to a response; bytes: this body; an int: this status; a float: seconds of silence."""


def patched(*operations: Document) -> Document:
    """A response that changes the object."""
    patch = base64.b64encode(json.dumps(list(operations)).encode()).decode()
    return {"allowed": True, "patch": patch, "patchType": "JSONPatch"}


@dataclass
class WebhookServer:
    port: int
    authority: Pair
    answer: Answer
    asked: list[tuple[str, Document]] = field(default_factory=list)  # paths and AdmissionReview requests
    reviews: list[Document] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    @property
    def ca_bundle(self) -> str:
        return base64.b64encode(self.authority.certificate_pem).decode()

    def by_url(self, path: str = "/") -> Document:
        return {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": self.ca_bundle}

    def by_service(self, path: str = "/", name: str = "hook", namespace: str = "hooks") -> Document:
        return {"service": {"name": name, "namespace": namespace, "path": path}, "caBundle": self.ca_bundle}

    @property
    def operations(self) -> list[str]:
        """What was asked about: "CREATE pods/binding web"."""
        return [
            " ".join(
                filter(None, (
                    one["operation"],
                    "/".join(filter(None, (one["resource"]["resource"], one.get("subResource")))),
                    one.get("name"),
                ))
            )
            for _, one in self.asked
        ]  # fmt: skip

    @classmethod
    @asynccontextmanager
    async def listening(cls, answer: Answer) -> AsyncIterator[WebhookServer]:
        authority = new_authority("webhooks", datetime.now(UTC))
        server = cls(0, authority, answer)
        application = web.Application()
        application.router.add_post("/{path:.*}", server._handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(authority))
        await site.start()
        server.port = runner.addresses[0][1]
        try:
            yield server
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        review = await request.json()
        self.reviews.append(review)
        self.asked.append((request.path, review["request"]))
        self.connections.add(request.transport.get_extra_info("peername"))
        answer = self.answer(request.path, review["request"])
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = {"allowed": True}
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        if isinstance(answer, int):
            return web.Response(status=answer, text="it does not work")
        response = {"uid": review["request"]["uid"], **answer}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})


def _tls(authority: Pair) -> ssl.SSLContext:
    names = ("hook.hooks.svc", "localhost")
    leaf = Leaf("hook", (), names, (str(ipaddress.IPv4Address("127.0.0.1")),), ("digital signature", "server auth"))
    pair = issue(leaf, authority, datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = Path(directory, "crt"), Path(directory, "key")
        certificate.write_bytes(pair.certificate_pem)
        key.write_bytes(pair.key_pem)
        context.load_cert_chain(certificate, key)
    return context
