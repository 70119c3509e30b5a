"""An HTTPS API server for tests that block, those that run programs or hold sockets; and somebody who asks it.

with served(directory) as api:                  # one server for a whole module costs a tenth of a second
    Caller(api, Leaf("admin", ("system:masters",)))("GET", "/api/v1/namespaces").status == 200
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from controlplane.apiserver.server import ServerSettings
from controlplane.pki.issue import Leaf, issue
from controlplane.testing import HttpsApi, cluster

_PATIENCE = 20.0  # seconds


@contextmanager
def served(directory: Path, settings: ServerSettings | None = None) -> Iterator[HttpsApi]:
    """Run a server until the block ends."""
    with cluster(directory, controllers=False, settings=settings) as running:
        yield running.api


@dataclass(frozen=True)
class Told:
    """An answer: its status, its decoded body and its headers."""

    status: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body["message"]) if isinstance(self.body, dict) else str(self.body)

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "")) if isinstance(self.body, dict) else ""

    @property
    def causes(self) -> list[str]:
        """The paths of the fields at fault."""
        return [cause.get("field", "") for cause in self.body["details"].get("causes", ())]


class Caller:
    """Somebody with a certificate, with a token, or with nothing."""

    def __init__(self, api: HttpsApi, leaf: Leaf | None = None, *, token: str = "", born: datetime | None = None):
        self._address, self._token = ("127.0.0.1", api.port), token
        self._tls = ssl.create_default_context(cafile=str(api.ca_file))
        if leaf is not None:
            pair = issue(leaf, api.authority, born or api.clock.now())
            self._tls.load_cert_chain(*api.write_pair("caller", pair))

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Told:
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        said = {"Content-Type": content_type, **(headers or {})}
        if self._token:
            said["Authorization"] = f"Bearer {self._token}"
        target = f"{path}?{urlencode(query)}" if query else path
        connection = http.client.HTTPSConnection(*self._address, context=self._tls, timeout=_PATIENCE)
        try:
            connection.request(method, target, sent, said)
            answer = connection.getresponse()
            return Told(answer.status, _decoded(answer.read()), answer.headers)
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return what comes back until the server hangs up."""
        with (
            socket.create_connection(self._address, timeout=_PATIENCE) as plain,
            self._tls.wrap_socket(plain, server_hostname=self._address[0]) as secure,
        ):
            secure.sendall(request)
            return b"".join(iter(lambda: secure.recv(65536), b""))


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
