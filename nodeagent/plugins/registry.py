"""Follows the directory of registration sockets: asks each who it is, tells it whether it was taken."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import grpc
import grpc.aio

from controlplane.kit.clock import Clock
from controlplane.kit.waiting import happens_within
from nodeagent.kernel.inotify import DIRECTORY, Inotify
from nodeagent.plugins import registration_pb2 as registration

_log = logging.getLogger(__name__)

M = TypeVar("M")

_LOOK_SECONDS = 20.0  # between looks at what was refused, and for what inotify does not tell
_CALL_SECONDS = 10.0


class Handler(Protocol):
    """What takes the plug-ins of one type. Raises whatever it has to say against one."""

    async def register(self, name: str, endpoint: str, versions: Sequence[str]) -> None: ...
    async def deregister(self, name: str) -> None: ...


class PluginRegistry:
    """The plug-ins of this node, by the sockets that they register with."""

    def __init__(self, directory: Path, handlers: Mapping[str, Handler], clock: Clock, inotify: Inotify):
        self._directory, self._handlers, self._clock, self._inotify = directory, handlers, clock, inotify
        self._taken: dict[tuple[Path, int, int], tuple[Handler, str]] = {}  # by socket, its inode and birth
        self._told: set[str] = set()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        changed = asyncio.Event()
        with self._inotify.watching(self._directory, DIRECTORY, changed.set):
            while True:
                changed.clear()
                await self.look()
                await happens_within(changed, _LOOK_SECONDS, self._clock)

    async def look(self) -> None:
        """Let go of what is gone, and take what is new."""
        sockets = _sockets(self._directory)
        for gone in [one for one in self._taken if one not in sockets]:
            await self._release(gone)
        for socket in sockets:
            if socket not in self._taken:
                await self._take(socket)

    async def _take(self, socket: tuple[Path, int, int]) -> None:
        path = socket[0]
        async with grpc.aio.insecure_channel(f"unix://{path}", options=[("grpc.default_authority", "localhost")]) as to:
            try:
                info = await _call(to, "GetInfo", registration.InfoRequest(), registration.PluginInfo)
                why = await self._register(socket, info)
                answer = registration.RegistrationStatus(plugin_registered=not why, error=why)
                await _call(to, "NotifyRegistrationStatus", answer, registration.RegistrationStatusResponse)
            except grpc.aio.AioRpcError as error:
                why = f"does not answer: {error.details()}"
        if why:
            self._tell(f"plug-in {path.name} is not registered: {why}")

    async def _register(self, socket: tuple[Path, int, int], info: registration.PluginInfo) -> str:
        """Hand a plug-in to its handler; return why it was not taken, or ""."""
        handler = self._handlers.get(info.type)
        if handler is None:
            return f"no handler registered for plugin type: {info.type}"
        try:
            # A plug-in without an endpoint of its own serves on the socket that it registers with.
            await handler.register(info.name, info.endpoint or str(socket[0]), list(info.supported_versions))
        except Exception as error:
            return str(error)
        self._taken[socket] = (handler, info.name)
        return ""

    async def _release(self, socket: tuple[Path, int, int]) -> None:
        handler, name = self._taken[socket]
        others = [taken for path, taken in self._taken.items() if path != socket]
        if (handler, name) not in others:
            try:
                await handler.deregister(name)
            except Exception as error:
                self._tell(f"plug-in {name} is gone, but cannot be let go of yet: {error}")
                return  # the next look tries again
        del self._taken[socket]

    def _tell(self, what: str) -> None:
        """Each complaint once: a look at the directory is not news."""
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s", what)


async def _call(channel: grpc.aio.Channel, method: str, request: Any, response: type[M]) -> M:
    parse = response.FromString  # type: ignore[attr-defined]
    call = channel.unary_unary(
        f"/pluginregistration.Registration/{method}", lambda sent: sent.SerializeToString(), parse
    )
    answer: M = await call(request, timeout=_CALL_SECONDS)
    return answer


def _sockets(directory: Path) -> list[tuple[Path, int, int]]:
    """Return the sockets at and below a directory. A plug-in that starts again makes a new one of the same name."""
    found = []
    for path in sorted(directory.rglob("*")):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # gone while we looked
        if stat.S_ISSOCK(status.st_mode) and not path.name.startswith("."):
            found.append((path, status.st_ino, status.st_ctime_ns))
    return found
