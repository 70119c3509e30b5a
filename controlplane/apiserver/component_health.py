"""How the parts of the control plane are, as ComponentStatus tells it: asked when somebody asks, never stored.

    controller-manager    https://127.0.0.1:10257/healthz
    scheduler             https://127.0.0.1:10259/healthz
    etcd-0                the store of this server

A scheduler on another machine is unhealthy here, as it is upstream: that is why the kind is deprecated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from controlplane.api.codec import Document
from controlplane.kit.late import LateModule

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = LateModule("aiohttp")

_PORTS = {"controller-manager": 10257, "scheduler": 10259}
_TIMEOUT = 20.0  # seconds, as upstream's


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe found."""

    healthy: bool
    message: str


Probe: TypeAlias = Callable[[str], Awaitable[Health]]
"""Asks a URL how somebody is."""
Components: TypeAlias = Mapping[str, Callable[[], Awaitable[Health]]]
"""Who can be asked about, by name."""


def components(probe: Probe, store_answers: Callable[[], Awaitable[str]]) -> Components:
    """Return who can be asked; `store_answers` says what is wrong with the store, "" if nothing is."""

    async def store() -> Health:
        wrong = await store_answers()
        return Health(not wrong, wrong or "ok")

    def at(port: int) -> Callable[[], Awaitable[Health]]:
        return lambda: probe(f"https://127.0.0.1:{port}/healthz")

    return {**{name: at(port) for name, port in _PORTS.items()}, "etcd-0": store}


def component_status(name: str, health: Health) -> Document:
    """Return the object that says how a component is."""
    condition = {"type": "Healthy", "status": "True" if health.healthy else "False", "message": health.message}
    return {
        "apiVersion": "v1",
        "kind": "ComponentStatus",
        "metadata": {"name": name, "creationTimestamp": None},
        "conditions": [condition],
    }


async def probe_https(url: str) -> Health:
    """Ask over TLS; who answers on this machine's own loopback needs no certificate."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, ssl=False) as answer:
            body = await answer.text(errors="replace")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Health(False, f'Get "{url}": {_say(error)}')
    if answer.status != 200:
        return Health(False, f"HTTP probe failed with statuscode: {answer.status}")
    return Health(True, body)


def _say(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return f"dial tcp {error.host}:{error.port}: connect: connection refused"
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
