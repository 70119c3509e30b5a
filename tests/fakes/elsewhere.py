"""Other people's HTTPS servers: an authority, a server that answers by a table, and kubeconfigs that name it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from controlplane.apiserver.tls import server_context
from controlplane.pki import kubeconfig
from controlplane.pki.issue import Leaf, Pair, issue, new_authority

_HOST = "127.0.0.1"

Answer = Callable[[Any], Any]
"""From the JSON of a request (None for a GET) to the JSON of its answer; a number answers with that status."""


@dataclass
class Elsewhere:
    """A listening server: `answers` by path, and what it was `asked`."""

    url: str
    authority: Pair
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    @property
    def ca(self) -> str:
        return self.authority.certificate_pem.decode()

    def kubeconfig(self, directory: Path, path: str) -> Path:
        """Write a kubeconfig that names a path of this server."""
        file = directory / f"{path.strip('/')}.conf"
        file.write_text(kubeconfig.render(self.url + path, self.authority.certificate_pem, "apiserver", token="abc"))
        return file


@asynccontextmanager
async def elsewhere(directory: Path) -> AsyncIterator[Elsewhere]:
    """Serve on a free port of the loopback interface until the block ends."""
    now = datetime.now(UTC)
    authority = new_authority("elsewhere CA", now)
    pair = issue(Leaf("elsewhere", (), ("localhost",), (_HOST,), ("server auth",)), authority, now)
    certificate, key = directory / "elsewhere.crt", directory / "elsewhere.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    server = Elsewhere("", authority)

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        question = json.loads(body) if body else None
        server.asked.append(question if question is not None else request.path)
        answer = server.answers.get(request.path)
        told = answer(question) if answer is not None else 404
        return web.Response(status=told) if isinstance(told, int) else web.json_response(told)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        site = web.TCPSite(runner, _HOST, 0, ssl_context=server_context(certificate, key, None))
        await site.start()
        server.url = f"https://{_HOST}:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
