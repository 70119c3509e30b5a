"""The connection of a caller who did not wait, as those see it who were to speak to him."""

from __future__ import annotations

from controlplane.apiserver.messages import Switch, Upgrade


class GoneWebSocket:
    """The WebSocket of a caller who did not wait: closed from the start."""

    async def receive(self) -> bytes | None:
        return None

    async def send(self, message: bytes) -> None:
        raise ConnectionResetError("the peer has gone")

    async def send_text(self, message: str) -> None:
        raise ConnectionResetError("the peer has gone")

    async def close(self, code: int = 1000) -> None:
        return None


class Gone:
    """The connection of a caller who did not wait: at its end from the start."""

    async def read(self) -> bytes:
        return b""

    async def write(self, data: bytes) -> None:
        raise ConnectionResetError("the peer has gone")

    async def close(self) -> None:
        return None


async def serve_nobody(answer: Upgrade | Switch) -> None:
    """End an upgrade that cannot be made: behind the answer there may be a connection that only it can close."""
    if isinstance(answer, Upgrade):
        await answer.serve(GoneWebSocket())
    else:
        await answer.serve(Gone())
