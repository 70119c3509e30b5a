"""The road from the API server to a node agent's HTTPS port, for logs, exec and the like."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from controlplane.api.core_v1 import Node
from controlplane.apiserver.messages import WebSocket

DEFAULT_PORT = 10250

# Where a node can be reached best: its own address before anything that needs a resolver, as kubeadm sets it.
PREFERRED_ADDRESSES = ("InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS", "Hostname")


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node agent listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"https://[{self.host}]:{self.port}" if ":" in self.host else f"https://{self.host}:{self.port}"


def address_of(node: Node, preferred: Sequence[str] = PREFERRED_ADDRESSES) -> NodeAddress | None:
    """Return the best address of a node, None if it has told none."""
    status = node.status
    if status is None:
        return None
    endpoint = status.daemon_endpoints.kubelet_endpoint if status.daemon_endpoints else None
    port = (endpoint.port if endpoint else None) or DEFAULT_PORT
    for type_ in preferred:
        for address in status.addresses:
            if address.type == type_ and address.address:
                return NodeAddress(address.address, port)
    return None


class NodeUnreachable(Exception):
    """No connection, or no valid certificate at the other end."""


class NodeRefused(Exception):
    """The node agent answered a WebSocket handshake with a failure."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """A node agent's answer, to be read while it comes."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class NodeDialer(Protocol):
    """Opens connections with the API server's client certificate."""

    @property
    def tls(self) -> ssl.SSLContext | None:
        """With what nodes are called; None: not at all."""

    def request(
        self, method: str, address: NodeAddress, target: str, *, body: bytes = b"", headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[NodeAnswer]:
        """Send a request for `target` (path and query). Raises NodeUnreachable."""

    async def websocket(self, address: NodeAddress, target: str, protocols: Sequence[str]) -> tuple[str, WebSocket]:
        """Open a WebSocket; return the protocol agreed on and the connection. Raises NodeUnreachable, NodeRefused."""


class NoNodes:
    """For servers that are not to call anybody."""

    tls: ssl.SSLContext | None = None

    def request(
        self, method: str, address: NodeAddress, target: str, *, body: bytes = b"", headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[NodeAnswer]:
        raise NodeUnreachable("this API server has no client certificate for nodes")

    async def websocket(self, address: NodeAddress, target: str, protocols: Sequence[str]) -> tuple[str, WebSocket]:
        raise NodeUnreachable("this API server has no client certificate for nodes")
